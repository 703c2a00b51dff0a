/**
 * The guard's second half: markup as text, what is stored (cookies, keys, databases), and the corners of what loads:
 * sockets and workers, style sheets, fonts, worklets, nodes of other documents.
 *
 * Runs right after `guard.js`, before anything of the site's, and wherever the guard goes. It decides and neutralises
 * as the guard does, and makes all stand-ins look native.
 */
/**
 * @typedef {object} Rules what `tables.py` writes in the place of 'RULES'; every text is a regular expression
 * @property {any[][]} rows purpose, vendor, then cookies, keys, inline texts
 * @property {boolean} strict refuses a cookie that nobody knows
 * @property {Record<string, (string | null)[]>} stubs a tag's global function -> its purpose and vendor
 * @property {Record<string, (string | null)[]>} queues the same of the arrays that tags read
 */

(function (/** @type {Rules} */ rules) {
	'use strict';
	/** @type {any} */
	const top = window;
	const guard = top[Symbol.for('samtykke.guard')];
	if (!guard || guard.more.length) return;
	const { judge, match, find, refused, put, mark, natives, wrap, ask, quietly, later, look, lookInside, entered, nothing, script, trust, loading, LOADS, ATTRIBUTES, HELD } = guard;
	const [COOKIES, KEYS, INLINE] = [2, 3, 4];
	const cookie = (name) =>
		refused(match(rules.rows, (name = '' + name), COOKIES) || (rules.strict && !/^samtykke/.test(name) && []), false);
	const deletes = (text) =>
		/max-age/i.test(text) ? /max-age=\s*[0-]/i.test(text) : Date.parse((/expires=([^;]*)/i.exec(text) || '')[1]) <= Date.now();
	const key = (name) => refused(match(rules.rows, '' + name, KEYS), false);
	/** What a script is, and known trackers among the modules that it imports. */
	const inline = (text) => {
		let rule = refused(match(rules.rows, text, INLINE));
		if (!rule && text.includes('import'))
			for (const [, address] of text.matchAll(/\b(?:import\s*\(?|from)\s*["'`]((?:https?:)?\/\/[^"'`\\\s]+)/g)) rule ||= known(refused(find(address, 'script')));
		return rule;
	};
	const known = (rule) => (rule && rule.length ? rule : undefined);
	/** A document or style sheet that is written into its address names whom it contacts. */
	guard.written = ({ href }, kind) => {
		if (!/^(data|javascript):/.test(href) || !/^(frame|object|style)$/.test(kind)) return;
		const [, head, body] = /** @type {any} */ (/^([^,]*;base64)?([^]*)/i.exec(href));
		const text = quietly(() => (head ? atob(body.slice(1)) : decodeURIComponent(body))) || href;
		for (const [address] of text.matchAll(/(?:https?:)?\/\/[^\s"'()<>\\;,`]+/gi)) {
			const rule = refused(find(address, 'image'));
			if (rule) return rule;
		}
	};
	Object.assign(guard, { cookie, key, inline, stubs: rules.stubs, queues: rules.queues });
	const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;

	/** A style sheet without its refused addresses; `note` is told why. */
	const sheet = (text, note = (rule) => {}) => {
		/** @type {any} */
		let held;
		const without = (css) =>
			/url\(|@import|image-set/i.test(css)
				? css.replace(/(?:https?:)?(\/\/[^\s"'()<>\\;/]+)[^\s"'()<>\\;]*/gi, (url, host) => {
						const rule = judge(url, 'style');
						held ||= rule;
						return rule ? 'about:' + url.slice(url.indexOf(host) + host.length) : url;
					})
				: css;
		text = without('' + text);
		if (text.includes('\\')) {
			// Letters may be written as escapes; what is written so and held loses its escapes.
			const plain = text.replace(/\\(?:([\da-f]{1,6})\s?|([g-z]))/gi, (all, code, letter) => {
				const char = letter || String.fromCodePoint(Math.min(parseInt(code, 16), 0x10ffff));
				return /[\w:/.@-]/.test(char) ? char : all;
			});
			const cleaned = without(plain);
			if (cleaned !== plain) text = cleaned;
		}
		if (held) note(held);
		return text;
	};
	const restyle = (node, text, name) => {
		const cleaned = sheet(text, (rule) => mark(node, rule));
		if (cleaned !== text) node.setAttribute(`${HELD}-${name}`, text);
		return cleaned;
	};
	const restyleAttribute = (node) => {
		const text = node.getAttribute('style');
		const cleaned = text && restyle(node, text, 'style');
		if (cleaned !== text) node.setAttribute('style', cleaned);
	};
	guard.corner = (node) => {
		if (node.localName === 'style' && !node.hasAttribute(HELD)) node.textContent = node.textContent;
		if (node.localName === 'script' && !node.hasAttribute('src') && !node.hasAttribute(HELD)) {
			const rule = inline(node.textContent);
			if (rule) mark(node, rule);
			else if (/rules|map/.test(node.type)) sheet('url(' + node.textContent, (why) => mark(node, why));
		}
		restyleAttribute(node);
	};

	// Markup as text.

	const tags = () => RegExp(`<(${Object.keys(LOADS).join('|')})(?=[\\s/>]|$)`, 'gi');
	const USUAL = tags();
	for (const tag of 'table thead tbody tfoot tr th col colgroup'.split(' ')) LOADS[tag] = 'background';
	for (const tag of ['set', 'animate']) LOADS[tag] = 'to from by values';
	const EVERY = tags();
	const MOVING = /^(to|from|by|values)$/i;
	const ATTRIBUTE = /([\s/]*)([^\s/>][^\s/>=]*)(\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?/y;
	/** @type {any} */
	let decoder;
	const decoded = (value) => {
		value = value.replace(/^(["'])([^]*)\1$/, '$2');
		if (!value.includes('&')) return value;
		decoder ||= document.implementation.createHTMLDocument('').createElement('textarea');
		decoder.innerHTML = trust(value.replace(/</g, '&lt;'), 'createHTML');
		return decoder.value;
	};
	/** Rename what would load, all else as written: the text, and the rest from an unfinished tag or script on. */
	const scrub = (text) => {
		const html = '' + text;
		let [out, done, end] = ['', 0, 0];
		const TAG = /background|attributename/i.test(html) ? EVERY : USUAL;
		TAG.lastIndex = 0;
		for (let tag; (tag = TAG.exec(html)); TAG.lastIndex = done) {
			const isScript = /^script$/i.test(tag[1]);
			let at = (ATTRIBUTE.lastIndex = tag.index + tag[0].length);
			let [rule, bare, held, changed] = [/** @type {any} */ (undefined), isScript, '', false];
			for (let each; (each = ATTRIBUTE.exec(html)); at = ATTRIBUTE.lastIndex) {
				const name = each[2].toLowerCase();
				const why = each[4] && (ATTRIBUTES.test(name) || MOVING.test(name)) && loading(tag[1], name, () => decoded(each[4]));
				rule ||= why;
				if (name === 'src') bare = false;
				if (name === 'srcdoc' && each[4]) {
					const next = ATTRIBUTE.lastIndex;
					each[0] = `${each[1]}srcdoc="${framed(decoded(each[4])).replace(/&/g, '&amp;').replace(/"/g, '&quot;')}"`;
					ATTRIBUTE.lastIndex = next;
					changed = true;
				}
				held += why || (isScript && name === 'type') ? `${each[1] || ' '}${HELD}-${name.replace(':', '-')}${each[3] || ''}` : each[0];
			}
			end = html.indexOf('>', at);
			if (bare && end >= 0) {
				const length = html.slice(end).search(/<\/script/i);
				if (length >= 0) rule = inline(html.slice(end, end + length));
				end = length < 0 ? -1 : end + length;
			}
			if (end < 0) {
				end = tag.index;
				return [sheet(out + html.slice(done, end)), html.slice(end)];
			}
			out += html.slice(done, tag.index) + tag[0];
			if (rule) {
				const [purpose, vendor] = rule;
				out += ` ${HELD}="${purpose || 'unknown'}"` + (vendor ? ` ${HELD}-vendor="${vendor}"` : '') + (isScript ? ' type="text/plain"' : '') + held;
				done = at;
			} else if (changed) {
				out += held;
				done = at;
			} else done = tag.index + tag[0].length;
			if (bare) {
				out += html.slice(done, end);
				done = end;
			}
		}
		return [sheet(out + html.slice(done)), ''];
	};
	/** Scrubbed markup; a TrustedHTML that holds nothing refused stays what it is. `root` will hold it. */
	const clean = (markup, root, head = '') => {
		const html = scrub(markup).join('').replace(/^\s*(<!doctype[^>]*>)?/i, (all) => all + head);
		if (root && /<(i?frame|obj|emb)/i.test(html)) entered.push(root);
		return html === '' + markup ? markup : typeof markup === 'string' ? html : trust(html, 'createHTML');
	};
	/** A frame's own document starts with the guard, too. */
	const framed = (markup, attribute = 'srcdoc') => {
		const ours = [script, second].map((each) =>
			quietly(() => each.cloneNode().outerHTML.replace(/ nonce="[^"]*"/, '').replace('src="/', `src="${top.origin}/`).replace('>', ` nonce="${each.nonce}">`)) || '').join('');
		if (attribute === 'srcdoc') return clean(markup, null, ours);
		const blob = blobs.get('' + markup);
		const text = blob && /html/.test(blob.type) && quietly(() => read('' + markup));
		return text ? trust(createObjectURL(new Blob([clean(text, null, ours)], { type: blob.type })), 'createScriptURL') : markup;
	};
	const second = /** @type {any} */ (document.currentScript);
	const { XMLHttpRequest } = top;
	/** What the page itself has put behind an address: there at once. */
	const read = (url) => {
		const request = new XMLHttpRequest();
		request.open('GET', url, false);
		request.send();
		return request.responseText;
	};
	guard.framed = framed;

	// Documents and workers that the page has made itself: what is behind their addresses.

	const { createObjectURL } = top.URL;
	/** @type {Map<string, Blob>} */
	const blobs = new Map();
	/** Tells this page's workers what the visitor agrees to, and us what they were refused. @type {BroadcastChannel | null} */
	let workers = null;
	const name = 'samtykke.' + Math.random();
	guard.spread = () => workers && workers.postMessage({ purposes: guard.state.purposes, vendors: guard.state.vendors });
	/** Runs first in a worker. It stands alone: nothing of the page's is there. */
	const inside = (decide, at, channel) => {
		/** @type {any} */
		const self = globalThis;
		Object.assign(at, { URL: self.URL, base: () => at.from, path: () => at.where, written: () => {} });
		const { find, refused } = decide(at.rules, at.state, at.signals, at);
		let told;
		try {
			told = new self.BroadcastChannel(channel);
			told.onmessage = ({ data }) => data.purposes && Object.assign(at.state, data);
		} catch {}
		const held = (address, kind) => {
			const rule = refused(find(address, kind));
			if (rule && told) told.postMessage({ rule });
			return rule;
		};
		const { apply, construct } = Reflect;
		const dress = (owner, name, make) => owner && owner[name] && (owner[name] = make(owner[name]));
		dress(self, 'fetch', (native) => function (input) {
			return held((input && input.url) || input, 'connect') ? Promise.reject(new TypeError('Failed to fetch')) : apply(native, self, arguments);
		});
		dress(self, 'importScripts', (native) => function (...urls) {
			for (const url of urls) if (held(url, 'script')) throw new DOMException(`The script at '${url}' failed to load.`, 'NetworkError');
			return apply(native, self, urls);
		});
		dress(self.XMLHttpRequest && self.XMLHttpRequest.prototype, 'open', (native) => ({
			f(method, url, ...more) {
				return apply(native, this, [method, held(url, 'connect') ? 'about:invalid' : url, ...more]);
			},
		}).f);
		for (const [kind, nowhere] of [['WebSocket', 'wss://127.0.0.1:9'], ['EventSource', 'about:invalid']])
			dress(self, kind, (native) => new Proxy(native, {
				construct: (_, [url, ...more], type) => construct(native, [held(url, 'connect') ? nowhere : url, ...more], type),
			}));
	};
	/** The same worker with its own guard: where its address holds its text, which no answer of the site's has brought. */
	const guarded = (url) => {
		if (guard.allowed([]) || !/^(blob|data):/.test((url = '' + url))) return;
		const { at, decider, rules, state, signals } = guard;
		const facts = { rules, state, signals, home: at.home, from: document.baseURI, where: location.pathname };
		const text = (value) => JSON.stringify(value, (_, each) => (each && each.exec ? each.source : each));
		const first = `(${inside})(${decider},${text(facts)},${text(name)});`;
		const blob = blobs.get(url);
		const [, head, body] = /^data:([^,]*),([^]*)/.exec(url) || [];
		if (!blob && !head) return;
		if (!workers && top.BroadcastChannel) {
			workers = new BroadcastChannel(name);
			workers.onmessage = ({ data }) => data.rule && guard.note(data.rule, 'connect');
		}
		if (blob) return trust(createObjectURL(new Blob([first, blob], { type: blob.type })), 'createScriptURL');
		return trust('data:text/javascript,' + encodeURIComponent(first + (/;base64$/i.test(head) ? atob(body) : decodeURIComponent(body))), 'createScriptURL');
	};

	/** The addresses in a style element are written by the proxy into what stands for them. */
	guard.back = (node) => {
		// What has begun to move does not look again at where to.
		if (/^(set|animate)$/.test(node.localName)) node.replaceWith(node.cloneNode(true));
		if (node.localName === 'style' && /invalid#samtykke=/.test(node.textContent))
			node.textContent = node.textContent.replace(/about:invalid#samtykke=([\w%.~-]*)/g, (_, address) =>
				decodeURIComponent(address).replace(/["'()\\\s]/g, '\\$&'));
	};

	/** A stand-in for a connection or worker that failed at once. */
	const dud = (type, url, readyState, ...events) => {
		const self = new EventTarget();
		Object.setPrototypeOf(self, type.prototype);
		for (const name of 'send close postMessage terminate onopen onmessage onerror onclose readyState url port'.split(' '))
			if (name in type.prototype)
				Object.defineProperty(self, name, {
					value: name[1] === 'n' ? null : name === 'url' ? url : name === 'port' ? new MessageChannel().port1 : name === 'readyState' ? readyState : nothing,
					writable: true,
				});
		later(() => {
			for (const event of [new Event('error'), ...events]) {
				self.dispatchEvent(event);
				quietly(() => self['on' + event.type](event));
			}
		});
		return self;
	};

	/** Before each construction `answer` may change the arguments, or return what to do in its place. */
	const build = (w, name, answer) =>
		wrap(w, name, (native) => {
			const stand = new Proxy(native, {
				construct(_, args, type) {
					const instead = quietly(() => answer(args, type));
					return instead ? instead() : construct(native, args, type);
				},
			});
			if (native.prototype.constructor === native) native.prototype.constructor = stand;
			return stand;
		});

	const install = (w) => {
		const proto = (name) => w[name] && w[name].prototype;
		const [element, doc] = ['Element', 'Document'].map(proto);
		const reject = () => w.Promise.reject(new w.TypeError('Failed to fetch'));

		wrap(w.Function.prototype, 'toString', (native) => ({
			f() {
				return apply(native, natives.get(this) || this, []);
			},
		}).f);

		// Attributes by other ways.
		ask(proto('Element'), 'setAttributeNode setAttributeNodeNS', ([{ name, value }], self) => put(self, name, value) && (() => null));
		ask(proto('SVGAnimatedString'), 'baseVal', ([value]) => judge(value, 'image') && nothing, 'set');
		ask(proto('Attr'), 'value', ([value], self) => self.ownerElement && put(self.ownerElement, self.name, value) && nothing, 'set');
		build(w, 'Audio', ([url], type) => url && judge(url, 'media') && (() => Object.assign(new type(), { src: url })));

		// Markup.
		const markup = (args, self) => void (args[0] = clean(args[0], self));
		for (const type of [element, proto('ShadowRoot')]) {
			ask(type, 'innerHTML', markup, 'set');
			ask(type, 'setHTMLUnsafe setHTML', markup);
		}
		ask(element, 'outerHTML', (args, self) => markup(args, self.parentNode), 'set');
		ask(element, 'insertAdjacentHTML', (args, self) => void (args[1] = clean(args[1], self.parentNode || self)));
		ask(proto('Range'), 'createContextualFragment', (args) => markup(args, null));
		let pending = '';
		ask(doc, 'write writeln', (args, self) => {
			const trusted = typeof args[0] === 'object';
			let [html, rest] = scrub(pending + args.join(''));
			const tail = html.search(/<[a-z]*$/i);
			pending = tail < 0 ? rest : html.slice(tail) + rest;
			if (tail >= 0) html = html.slice(0, tail);
			if (/<i?frame/i.test(html)) entered.push(self);
			args.splice(0, args.length, trusted ? trust(html, 'createHTML') : html);
		});

		ask(proto('HTMLIFrameElement'), 'srcdoc', (args) => void (args[0] = framed(args[0])), 'set');
		ask(proto('HTMLIFrameElement'), 'src', (args) => void (args[0] = framed(args[0], 'src')), 'set');
		ask(doc, 'execCommand', (args) => {
			if (/^insertHTML$/i.test(args[0])) args[2] = clean(args[2]);
			else if (/^insertImage$/i.test(args[0])) return judge(args[2], 'image') && (() => false);
		});
		/** A form that a script sends into a frame: a known tracker's, never a bank's. */
		ask(proto('HTMLFormElement'), 'submit requestSubmit', (_, self) =>
			self.target && quietly(() => top.frames[self.target]) && known(judge(self.getAttribute('action') || '', 'frame')) && nothing);
		wrap(w.URL, 'createObjectURL', (native) => ({
			f(blob) {
				const url = apply(native, this, arguments);
				if (blob.slice) blobs.set(url, blob);
				return url;
			},
		}).f);
		ask(w.URL, 'revokeObjectURL', ([url]) => void blobs.delete(url));

		// Nodes of other documents.
		ask(proto('Document'), 'importNode adoptNode', ([source]) => {
			if (source.nodeType === 1) look(source, false);
			lookInside(source, false);
			entered.length = 0;
		});

		// Connections and workers.
		build(w, 'WebSocket', ([url], type) => judge(url, 'connect') && (() => dud(type, url, 3, new w.CloseEvent('close', { code: 1006 }))));
		build(w, 'EventSource', ([url], type) => judge(url, 'connect') && (() => dud(type, url, 2)));
		for (const name of ['Worker', 'SharedWorker'])
			build(w, name, (args, type) => {
				const [url] = args;
				if (judge(url, 'worker')) return () => dud(type, url, 0);
				const instead = guarded(url);
				if (instead) args[0] = instead;
			});
		ask(proto('ServiceWorkerContainer'), 'register', ([url]) => judge(url, 'worker') && reject);

		// Style sheets.
		const style = proto('HTMLStyleElement');
		for (const [name, from] of [['textContent', 'Node'], ['innerText', 'HTMLElement'], ['innerHTML', 'Element']]) {
			defineProperty(style, name, /** @type {any} */ (getOwnPropertyDescriptor(proto(from), name)));
			ask(style, name, (args, self) => void (args[0] = restyle(self, '' + args[0], 'text')), 'set');
		}
		for (const name of ['appendChild', 'insertBefore', 'append', 'prepend', 'replaceChildren']) {
			const found = getOwnPropertyDescriptor(proto('Element'), name) || getOwnPropertyDescriptor(proto('Node'), name);
			defineProperty(style, name, /** @type {any} */ (found));
			ask(style, name, (args, self) => {
				args.forEach((each, i) => {
					if (typeof each === 'string') args[i] = restyle(self, each, 'text');
					else if (each && each.nodeType === 3) each.data = restyle(self, each.data, 'text');
				});
			});
		}
		const rule = (args) => void (args[0] = sheet(args[0]));
		for (const type of ['CSSStyleSheet', 'CSSGroupingRule']) ask(proto(type), 'insertRule replace replaceSync', rule);
		ask(proto('CSSStyleSheet'), 'addRule', (args) => void (args[1] = sheet(args[1])));
		ask(proto('CSSStyleDeclaration'), 'setProperty', (args) => void (args[1] = sheet(args[1])));
		ask(proto('CSSStyleDeclaration'), 'cssText', rule, 'set');
		build(w, 'FontFace', (args) => void (args[1] = typeof args[1] === 'string' ? sheet(args[1]) : args[1]));
		// `style.backgroundImage = ...` is no property of a prototype: seen before the next rendering, not before the call.
		new w.MutationObserver((records) => {
			for (const { target } of records) quietly(() => restyleAttribute(target));
		}).observe(w.document, { subtree: true, attributes: true, attributeFilter: ['style'] });

		// Cookies, keys, databases.
		ask(proto('Document'), 'cookie', ([text]) => cookie((text = '' + text).split(/[=;]/)[0].trim()) && !deletes(text) && nothing, 'set');
		ask(proto('CookieStore'), 'set', ([name]) =>
			cookie(name.name ?? name) && !(name.expires && name.expires <= Date.now()) && (() => w.Promise.resolve()));
		ask(proto('Storage'), 'setItem', ([name]) => key(name) && nothing);
		wrap(proto('IDBFactory'), 'open', (native) => ({
			f(name) {
				const request = apply(native, this, arguments);
				if (key(name))
					request.addEventListener('upgradeneeded', (event) => {
						event.stopImmediatePropagation();
						request.transaction.abort();
					});
				return request;
			},
		}).f);
		ask(proto('Worklet'), 'addModule', ([url]) => judge(url, 'script') && reject);
		if (w !== top) w.samtykke = top.samtykke;
	};
	guard.more.push(install);
	quietly(() => install(top));
})(/** @type {any} */ ('RULES'));
