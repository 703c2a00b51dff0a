// Who listens to keys, pointer, scrolling and changes of the page as a whole: the parts of a session replay. And who
// waits for the page's last moment, of which nothing is heard any more.
const KINDS = {keydown: 'keys', keypress: 'keys', keyup: 'keys', input: 'keys', change: 'keys',
  mousemove: 'pointer', pointermove: 'pointer', mousedown: 'pointer', click: 'pointer', touchmove: 'pointer',
  touchstart: 'pointer', scroll: 'scroll', wheel: 'scroll'};
const LAST = ['pagehide', 'unload', 'beforeunload', 'visibilitychange', 'freeze'];
const counts = {};
const told = (part, on) => {
  const key = part + on;
  if ((counts[key] = (counts[key] ?? 0) + 1) <= 12) tell('listener', {part, on});
};
const whole = (target) => target === self || target === self.document || target === self.document?.body
  || target === self.document?.documentElement;
const field = (target) => self.HTMLElement && target instanceof HTMLElement
  && /^(input|textarea|form)$/i.test(target.tagName);
const waits = () => {
  if ((counts.last = (counts.last ?? 0) + 1) <= 40) tell('last-moment', {origin: self.origin});
};
for (const type of LAST) for (const owner of [self, self.Document?.prototype]) {
  if (owner) watch(owner, `on${type}`, {wrote(_, listener) { if (listener) waits(); }});
}
wrap(self.EventTarget && EventTarget.prototype, 'addEventListener', {before(target, [type]) {
  if (self.document && LAST.includes(type) && whole(target ?? self)) waits();
  const part = KINDS[type];
  if (!part || !self.document) return;
  if (whole(target ?? self)) told(part, 'page');
  else if (part === 'keys' && field(target)) told(part, 'field');
}});
wrap(self.MutationObserver && MutationObserver.prototype, 'observe', {before(observer, [target, options]) {
  if (options && options.subtree && whole(target)) told('changes', 'page');
}});
