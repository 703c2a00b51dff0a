// Cookies by script: document.cookie and cookieStore.
const place = () => {
  const url = self.location ? self.location.href : '';
  return url.startsWith('about:') && self.document ? self.document.baseURI : url;
};
if (self.Document) watch(Document.prototype, 'cookie', {
  wrote(document, value, read) {
    const text = `${value}`, pair = text.split(';')[0].trim();
    const url = document.URL.startsWith('about:') ? document.baseURI : document.URL;
    tell('cookie', {text: text.slice(0, 8192), url, kept: read().split('; ').includes(pair)});
  },
});
if (self.CookieStore) {
  wrap(CookieStore.prototype, 'set', {before(store, [first, value]) {
    const asked = typeof first === 'object' && first ? first : {name: `${first}`, value: `${value}`};
    const {name, value: content, domain, path, expires, maxAge, sameSite, partitioned} = asked;
    tell('cookie-store', {url: place(), name: `${name ?? ''}`, value: `${content}`, domain: domain ?? null,
      path: path ?? '/', expires: expires == null ? null : +expires, maxAge: maxAge ?? null,
      sameSite: sameSite ?? 'strict', partitioned: !!partitioned});
  }});
  wrap(CookieStore.prototype, 'delete', {before(store, [first]) {
    const asked = typeof first === 'object' && first ? first : {name: `${first}`};
    tell('cookie-store', {url: place(), name: `${asked.name}`, value: '', domain: asked.domain ?? null,
      path: asked.path ?? '/', expires: 0, maxAge: null, sameSite: 'strict', partitioned: !!asked.partitioned});
  }});
}
