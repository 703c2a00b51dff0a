/* An imitation of a tag manager: it stores nothing itself, it puts other trackers into the page at run time. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;
  var tags = [{ on: "gtm.js", src: origin.replace("//tags.", "//ads.") + "/pagead/conversion.js" }];

  function insert(tag) {
    var script = document.createElement("script");
    script.async = true;
    script.src = tag.src;
    document.head.appendChild(script);
  }
  function handle(entry) {
    tags.filter(function (tag) { return tag.on === entry.event; }).forEach(insert);
  }
  var layer = window.dataLayer = window.dataLayer || [];
  layer.slice().forEach(handle);
  layer.push = function (entry) { handle(entry); return Array.prototype.push.call(layer, entry); };
})();
