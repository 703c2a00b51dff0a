// Storage: setItem and removeItem with their key; a touch of localStorage or sessionStorage with the keys it left;
// databases and caches by the call that opens them.
let touches = 0;
const origin = self.origin || '';
if (self.Storage) {
  const local = getOwnPropertyDescriptor(self, 'localStorage');
  const sameAsLocal = (storage) => { try { return storage === apply(local.get, self, []); } catch { return false; } };
  wrap(Storage.prototype, 'setItem', {after(storage, [key]) {
    tell('key', {area: sameAsLocal(storage) ? 'local' : 'session', key: `${key}`, origin});
  }});
  wrap(Storage.prototype, 'removeItem', {after(storage, [key]) {
    tell('key-gone', {area: sameAsLocal(storage) ? 'local' : 'session', key: `${key}`, origin});
  }});
  wrap(Storage.prototype, 'clear', {after(storage) {
    tell('key-gone', {area: sameAsLocal(storage) ? 'local' : 'session', key: null, origin});
  }});
  // A key written as a property passes no method: after the script that touched the storage has run, its keys are
  // compared with those known so far, before the page can move on and take them out of sight.
  const keys = Object.keys, then = Promise.prototype.then, done = Promise.resolve();
  for (const [name, kind] of [['localStorage', 'local'], ['sessionStorage', 'session']]) {
    const known = new Set();
    let waiting = false;
    watch(self, name, {read(_, storage) {
      if (waiting || touches++ > 300) return;
      waiting = true;
      tell('touch', {area: kind, origin});
      apply(then, done, [() => {
        waiting = false;
        const added = keys(storage).slice(0, 1000).filter((key) => !known.has(key));
        for (const key of added) known.add(key);
        if (added.length) tell('keys', {area: kind, keys: added, origin});
      }]);
    }});
  }
}
if (self.IDBFactory) wrap(IDBFactory.prototype, 'open', {before(factory, [name]) {
  tell('key', {area: 'indexeddb', key: `${name}`, origin});
}});
if (self.CacheStorage) wrap(CacheStorage.prototype, 'open', {before(caches, [name]) {
  tell('key', {area: 'cache', key: `${name}`, origin});
}});
