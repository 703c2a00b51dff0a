/* An imitation of self-hosted analytics: a visitor cookie for 13 months, a visit cookie for 30 minutes, and a beacon.
   Commands wait in window._paq until this file has loaded. */
(function () {
  "use strict";
  var settings = { url: "", site: "" };

  function shortHash(text) {
    var sum = 2166136261;
    for (var i = 0; i < text.length; i += 1) { sum = Math.imul(sum ^ text.charCodeAt(i), 16777619) >>> 0; }
    return ("000" + (sum & 0xffff).toString(16)).slice(-4);
  }
  function cookie(name, value, seconds) {
    var full = name + "." + settings.site + "." + shortHash(location.hostname + "/");
    var start = full + "=", found = document.cookie.split("; ").find(function (pair) { return pair.indexOf(start) === 0; });
    var kept = found ? found.slice(start.length) : value;
    document.cookie = start + kept + "; max-age=" + seconds + "; path=/; SameSite=Lax";
    return kept;
  }
  function trackPageView() {
    if (!settings.url) { return; }
    var fresh = "";
    crypto.getRandomValues(new Uint8Array(8)).forEach(function (byte) { fresh += ("0" + byte.toString(16)).slice(-2); });
    var id = cookie("_pk_id", fresh + "." + Math.floor(Date.now() / 1000) + ".", 33955200);
    cookie("_pk_ses", "1", 1800);
    var body = new URLSearchParams({
      action_name: document.title, idsite: settings.site, rec: "1", url: location.href, urlref: document.referrer,
      _id: id.split(".")[0], res: screen.width + "x" + screen.height, rand: String(Math.random()).slice(2, 8)
    });
    navigator.sendBeacon(settings.url, body);
  }
  function run(command) {
    if (command[0] === "setTrackerUrl") { settings.url = command[1]; }
    if (command[0] === "setSiteId") { settings.site = command[1]; }
    if (command[0] === "trackPageView") { trackPageView(); }
  }
  var waiting = (window._paq || []).slice();
  waiting.sort(function (one, other) { return (one[0].indexOf("set") === 0 ? 0 : 1) - (other[0].indexOf("set") === 0 ? 0 : 1); });
  window._paq = { push: run };
  waiting.forEach(run);
})();
