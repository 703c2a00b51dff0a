// The tools of every hook: say something to the scanner, wrap a method, watch an accessor.
// What is wrapped stays native to look at (a Proxy of a function prints as native code), and what is used here is
// saved before the page's own scripts can replace it.
const {apply, getOwnPropertyDescriptor, defineProperty} = Reflect;
const debug = console.debug, quiet = console, stringify = JSON.stringify, now = Date.now;
const Native = Proxy;
const tell = (kind, data) => {
  try { apply(debug, quiet, [TOKEN, kind, stringify(data), now()]); } catch { /* a page must never notice */ }
};
const replace = (owner, name, change) => {
  const found = owner && getOwnPropertyDescriptor(owner, name);
  if (!found || !found.configurable) return;
  change(found);
  defineProperty(owner, name, found);
};
// after(receiver, arguments, result) runs after the real method; before(receiver, arguments) ahead of it.
const wrap = (owner, name, {before, after}) => replace(owner, name, (found) => {
  if (typeof found.value !== 'function') return;
  found.value = new Native(found.value, {apply(target, self, args) {
    if (before) { try { before(self, args); } catch { /* see tell */ } }
    const result = apply(target, self, args);
    if (after) { try { after(self, args, result); } catch { /* see tell */ } }
    return result;
  }});
});
// read(receiver, value) runs after a read, wrote(receiver, value, getter) after a write.
const watch = (owner, name, {read, wrote}) => replace(owner, name, (found) => {
  const {get, set} = found;
  if (read && get) found.get = new Native(get, {apply(target, self, args) {
    const value = apply(target, self, args);
    try { read(self, value); } catch { /* see tell */ }
    return value;
  }});
  if (wrote && set) found.set = new Native(set, {apply(target, self, args) {
    apply(target, self, args);
    try { wrote(self, args[0], () => apply(get, self, [])); } catch { /* see tell */ }
  }});
});
