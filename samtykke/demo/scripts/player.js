/* An imitation of a video player in a frame: one key in the player's own local storage, and a playback report. */
(function () {
  "use strict";
  var KEY = "yt-remote-device-id";
  var id = "";
  try {
    id = JSON.parse(localStorage.getItem(KEY) || "{}").data || crypto.randomUUID();
    localStorage.setItem(KEY, JSON.stringify({ data: id, expiration: Date.now() + 31536000000 }));
  } catch (refused) { id = "unknown"; }
  function report(event) { fetch("/api/stats/playback?event=" + event + "&device=" + id, { method: "POST", keepalive: true }); }
  report("loaded");
  var player = document.querySelector(".player");
  document.querySelector("button").addEventListener("click", function () {
    player.classList.toggle("playing");
    report(player.classList.contains("playing") ? "play" : "pause");
  });
})();
