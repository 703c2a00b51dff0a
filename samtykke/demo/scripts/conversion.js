/* An imitation of an advertising conversion linker, put into the page by the tag manager: one cookie in the visited
   site's own name for 90 days, reported back by XMLHttpRequest. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;
  var found = document.cookie.match(/(?:^|; )_gcl_au=([^;]*)/);
  var id = found ? found[1] : "1.1." + Math.floor(Math.random() * 2147483647) + "." + Math.floor(Date.now() / 1000);
  document.cookie = "_gcl_au=" + id + "; max-age=7776000; path=/; domain=." + location.hostname + "; SameSite=Lax";
  var request = new XMLHttpRequest();
  request.open("GET", origin + "/pagead/conversion/10472901/?auid=" + id + "&url=" + encodeURIComponent(location.href));
  request.send();
})();
