/* An imitation of a social network's pixel: one cookie in the visited site's own name for 90 days, and a picture
   request that is sent whether or not the cookie could be stored. Calls wait in fbq.queue until this has loaded. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;
  var stub = window.fbq, ids = [];
  if (!stub || !stub.queue) { return; }

  function browserId() {
    var found = document.cookie.match(/(?:^|; )_fbp=([^;]*)/);
    var id = found ? found[1] : "fb.1." + Date.now() + "." + Math.floor(Math.random() * 1e10);
    var until = new Date(Date.now() + 7776000 * 1000).toUTCString();
    document.cookie = "_fbp=" + id + "; expires=" + until + "; path=/; domain=." + location.hostname + "; SameSite=Lax";
    return id;
  }
  function send(event, data) {
    ids.forEach(function (id) {
      var url = origin + "/tr?id=" + id + "&ev=" + event + "&dl=" + encodeURIComponent(location.href) + "&ts=" + Date.now();
      Object.keys(data || {}).forEach(function (key) { url += "&cd[" + key + "]=" + encodeURIComponent(data[key]); });
      new Image().src = url + "&fbp=" + browserId();
    });
  }
  stub.callMethod = function (method, name, data) {
    if (method === "init") { ids.push(name); }
    if (method === "track") { send(name, data); }
  };
  while (stub.queue.length) { stub.callMethod.apply(stub, stub.queue.shift()); }
})();
