/* The shop's own script: remembers in local storage which goods were looked at last, and shows them again.
   Everything else in the shop works without it. */
(function () {
  "use strict";
  var KEY = "fjellheim_seen";
  var shelf = document.querySelector("[data-seen]"), here = document.body.dataset.good;
  var seen = [];
  try { seen = JSON.parse(localStorage.getItem(KEY)) || []; } catch (refused) { seen = []; }
  if (!Array.isArray(seen)) { seen = []; }
  if (shelf) {
    var cards = seen.map(function (slug) { return shelf.querySelector('[data-slug="' + CSS.escape(slug) + '"]'); }).filter(Boolean);
    cards.slice(0, 4).forEach(function (card) { card.hidden = false; shelf.querySelector("ul").appendChild(card); });
    shelf.hidden = cards.length === 0;
  }
  if (here) {
    seen = [here].concat(seen.filter(function (slug) { return slug !== here; })).slice(0, 4);
    try { localStorage.setItem(KEY, JSON.stringify(seen)); } catch (refused) { /* a full or closed store costs only this shelf */ }
  }
})();
