/* An imitation of a fingerprinter: recognises the browser by how it draws and what it says of itself. No cookie, no
   storage key, and the request that carries the result is sent without credentials. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;

  function drawing() {
    var canvas = document.createElement("canvas");
    canvas.width = 280; canvas.height = 60;
    var pen = canvas.getContext("2d");
    if (!pen) { return "none"; }
    pen.textBaseline = "alphabetic";
    pen.fillStyle = "#f60"; pen.fillRect(125, 1, 62, 20);
    pen.fillStyle = "#069"; pen.font = "14px 'Times New Roman'";
    pen.fillText("Høyfjell på ski, 1994 m \u26f0", 2, 15);
    pen.fillStyle = "rgba(102, 204, 0, 0.7)"; pen.font = "16px Arial";
    pen.fillText("Høyfjell på ski, 1994 m \u26f0", 4, 40);
    pen.globalCompositeOperation = "multiply";
    pen.beginPath(); pen.arc(60, 30, 24, 0, Math.PI * 2); pen.fill();
    return canvas.toDataURL();
  }
  function hash(text) {
    var sum = 2166136261;
    for (var i = 0; i < text.length; i += 1) { sum = Math.imul(sum ^ text.charCodeAt(i), 16777619) >>> 0; }
    return sum.toString(16);
  }
  var traits = [
    drawing(), navigator.userAgent, navigator.language, navigator.hardwareConcurrency, navigator.platform,
    screen.width, screen.height, screen.colorDepth, new Date().getTimezoneOffset(),
    Intl.DateTimeFormat().resolvedOptions().timeZone
  ];
  fetch(origin + "/collect", { method: "POST", credentials: "omit", keepalive: true, body: "fp=" + hash(traits.join("|")) });
})();
