// Fingerprinting, by the criteria of Englehardt and Narayanan (2016) for canvas and audio; facts are gathered here
// and told once they are worth telling, the verdict falls in the observer.
const drawn = new WeakMap();
const facts = (canvas) => {
  let known = drawn.get(canvas);
  if (!known) drawn.set(canvas, known = {text: new Set(), styles: new Set(), kept: false});
  return known;
};
const context2d = self.CanvasRenderingContext2D && CanvasRenderingContext2D.prototype;
for (const name of ['fillText', 'strokeText']) wrap(context2d, name, {before(context, [text]) {
  const known = facts(context.canvas);
  for (const letter of `${text}`.slice(0, 200)) known.text.add(letter);
  known.styles.add(`${context.fillStyle}`);
}});
wrap(context2d, 'fillRect', {before(context) { facts(context.canvas).styles.add(`${context.fillStyle}`); }});
for (const name of ['save', 'restore']) wrap(context2d, name, {before(context) { facts(context.canvas).kept = true; }});
let extractions = 0;
const extracted = (canvas, how, type) => {
  if (!canvas || canvas.width < 16 || canvas.height < 16 || extractions++ > 50) return;
  const known = drawn.get(canvas);
  if (!known) return;
  tell('canvas', {how, type: `${type ?? 'image/png'}`, letters: known.text.size, styles: known.styles.size,
    kept: known.kept, width: canvas.width, height: canvas.height});
};
const element = self.HTMLCanvasElement && HTMLCanvasElement.prototype;
wrap(element, 'toDataURL', {before(canvas, [type]) { extracted(canvas, 'toDataURL', type); }});
wrap(element, 'toBlob', {before(canvas, [, type]) { extracted(canvas, 'toBlob', type); }});
wrap(context2d, 'getImageData', {before(context, [, , width, height]) {
  if (width >= 16 && height >= 16) extracted(context.canvas, 'getImageData');
}});
if (self.OffscreenCanvas) {
  const offscreen = self.OffscreenCanvasRenderingContext2D && OffscreenCanvasRenderingContext2D.prototype;
  wrap(offscreen, 'fillText', {before(context, [text]) {
    const known = facts(context.canvas);
    for (const letter of `${text}`.slice(0, 200)) known.text.add(letter);
    known.styles.add(`${context.fillStyle}`);
  }});
  wrap(OffscreenCanvas.prototype, 'convertToBlob', {before(canvas) { extracted(canvas, 'convertToBlob'); }});
}

const measured = new Map();
wrap(context2d, 'measureText', {before(context, [text]) {
  const key = `${text}`.slice(0, 100);
  let fonts = measured.get(key);
  if (!fonts) { if (measured.size > 50) return; measured.set(key, fonts = new Set()); }
  if (fonts.size < 50 && fonts.add(context.font).size === 50) tell('fonts', {how: 'measureText', count: 50});
}});
const families = new Set();
const sized = (node) => {
  const family = families.size < 40 && node.style && node.style.fontFamily;
  if (family && families.add(family).size === 40) tell('fonts', {how: 'element width', count: 40});
};
for (const name of ['offsetWidth', 'offsetHeight']) {
  watch(self.HTMLElement && HTMLElement.prototype, name, {read: sized});
}
wrap(self.Element && Element.prototype, 'getBoundingClientRect', {before: sized});

const sounding = new WeakSet();
const audio = self.BaseAudioContext && BaseAudioContext.prototype;
for (const name of ['createOscillator', 'createDynamicsCompressor']) {
  wrap(audio, name, {before(context) { sounding.add(context); }});
}
wrap(self.OfflineAudioContext && OfflineAudioContext.prototype, 'startRendering', {before(context) {
  if (sounding.has(context)) tell('audio', {how: 'startRendering of an oscillator'});
}});

let parameters = 0;
for (const gl of [self.WebGLRenderingContext, self.WebGL2RenderingContext]) {
  const prototype = gl && gl.prototype;
  wrap(prototype, 'getParameter', {before(context, [name]) {
    if ((name === 37445 || name === 37446) && parameters++ < 10) {
      tell('webgl', {how: name === 37445 ? 'UNMASKED_VENDOR_WEBGL' : 'UNMASKED_RENDERER_WEBGL'});
    }
  }});
}

const counts = {};
const swept = (group, name) => {
  const key = `${group}.${name}`;
  if ((counts[key] = (counts[key] ?? 0) + 1) <= 6) tell('navigator', {name: key});
};
const SWEPT = [
  ['navigator', self.Navigator ?? self.WorkerNavigator, ['platform', 'hardwareConcurrency', 'deviceMemory', 'languages',
    'language', 'plugins', 'mimeTypes', 'vendor', 'product', 'productSub', 'maxTouchPoints', 'doNotTrack',
    'cookieEnabled', 'oscpu', 'cpuClass', 'pdfViewerEnabled', 'webdriver', 'connection', 'appVersion', 'buildID',
    'vendorSub', 'userAgentData']],
  ['screen', self.Screen, ['width', 'height', 'availWidth', 'availHeight', 'colorDepth', 'pixelDepth']],
];
for (const [group, owner, names] of SWEPT) for (const name of names) {
  watch(owner && owner.prototype, name, {read() { swept(group, name); }});
}
wrap(self.Date && Date.prototype, 'getTimezoneOffset', {before() { swept('Date', 'getTimezoneOffset'); }});
wrap(self.Intl && Intl.DateTimeFormat.prototype, 'resolvedOptions', {before() { swept('Intl', 'resolvedOptions'); }});
