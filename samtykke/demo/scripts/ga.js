/* An imitation of classic web analytics: four cookies in the visited site's own name, one pixel per page view.
   Commands wait in window._gaq until this file has loaded. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;
  var account = "UA-0-0";
  var YEAR2 = 63072000, HALF_HOUR = 1800, HALF_YEAR = 15768000;

  function read(name) {
    var found = document.cookie.split("; ").find(function (pair) { return pair.indexOf(name + "=") === 0; });
    return found ? found.slice(name.length + 1) : "";
  }
  function write(name, value, seconds) {
    var until = seconds ? "; expires=" + new Date(Date.now() + seconds * 1000).toUTCString() : "";
    document.cookie = name + "=" + value + "; path=/; domain=." + location.hostname + until;
  }
  function trackPageview() {
    var now = Math.floor(Date.now() / 1000), site = 204847395;
    var old = read("__utma").split(".");
    var visits = read("__utmb") ? Number(old[5]) || 1 : (Number(old[5]) || 0) + 1;
    var utma = [site, old[1] || Math.floor(Math.random() * 2147483647), old[2] || now, old[4] || now, now, visits].join(".");
    write("__utma", utma, YEAR2);
    write("__utmb", site + "." + ((Number(read("__utmb").split(".")[1]) || 0) + 1) + ".10." + now, HALF_HOUR);
    write("__utmc", String(site), 0);
    write("__utmz", read("__utmz") || site + "." + now + ".1.1.utmcsr=(direct)|utmccn=(direct)|utmcmd=(none)", HALF_YEAR);
    new Image().src = origin + "/__utm.gif?utmac=" + account + "&utmhn=" + location.hostname + "&utmp=" +
      encodeURIComponent(location.pathname) + "&utmdt=" + encodeURIComponent(document.title) + "&utmr=" +
      encodeURIComponent(document.referrer || "-") + "&utmsr=" + screen.width + "x" + screen.height +
      "&utmcc=" + encodeURIComponent("__utma=" + utma) + "&utmn=" + Math.floor(Math.random() * 1e9);
  }
  function run(command) {
    if (typeof command === "function") { command(); }
    else if (command[0] === "_setAccount") { account = command[1]; }
    else if (command[0] === "_trackPageview") { trackPageview(); }
  }
  var waiting = window._gaq || [];
  window._gaq = { push: function () { Array.prototype.forEach.call(arguments, run); } };
  Array.prototype.forEach.call(waiting, run);
})();
