// Storage: setItem with its key; a touch of localStorage or sessionStorage, for keys written as properties;
// databases and caches by the call that opens them.
let touches = 0;
const origin = self.location ? self.location.origin : '';
if (self.Storage) {
  const local = getOwnPropertyDescriptor(self, 'localStorage');
  const sameAsLocal = (storage) => { try { return storage === apply(local.get, self, []); } catch { return false; } };
  wrap(Storage.prototype, 'setItem', {after(storage, [key]) {
    tell('key', {area: sameAsLocal(storage) ? 'local' : 'session', key: `${key}`, origin});
  }});
  for (const [name, kind] of [['localStorage', 'local'], ['sessionStorage', 'session']]) {
    watch(self, name, {read() { if (touches++ < 300) tell('touch', {area: kind, origin}); }});
  }
}
if (self.IDBFactory) wrap(IDBFactory.prototype, 'open', {before(factory, [name]) {
  tell('key', {area: 'indexeddb', key: `${name}`, origin});
}});
if (self.CacheStorage) wrap(CacheStorage.prototype, 'open', {before(caches, [name]) {
  tell('key', {area: 'cache', key: `${name}`, origin});
}});
