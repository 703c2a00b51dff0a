// Who listens to keys, pointer, scrolling and changes of the page as a whole: the parts of a session replay.
const KINDS = {keydown: 'keys', keypress: 'keys', keyup: 'keys', input: 'keys', change: 'keys',
  mousemove: 'pointer', pointermove: 'pointer', mousedown: 'pointer', click: 'pointer', touchmove: 'pointer',
  touchstart: 'pointer', scroll: 'scroll', wheel: 'scroll'};
const counts = {};
const told = (part, on) => {
  const key = part + on;
  if ((counts[key] = (counts[key] ?? 0) + 1) <= 12) tell('listener', {part, on});
};
const whole = (target) => target === self || target === self.document || target === self.document?.body
  || target === self.document?.documentElement;
const field = (target) => self.HTMLElement && target instanceof HTMLElement
  && /^(input|textarea|form)$/i.test(target.tagName);
wrap(self.EventTarget && EventTarget.prototype, 'addEventListener', {before(target, [type]) {
  const part = KINDS[type];
  if (!part || !self.document) return;
  if (whole(target ?? self)) told(part, 'page');
  else if (part === 'keys' && field(target)) told(part, 'field');
}});
wrap(self.MutationObserver && MutationObserver.prototype, 'observe', {before(observer, [target, options]) {
  if (options && options.subtree && whole(target)) told('changes', 'page');
}});
