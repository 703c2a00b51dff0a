/**
 * The guard: what a page makes at run time loads, is sent and is stored only where the visitor agreed.
 *
 * First script in `head`; it runs before anything of the site's. It decides by the same rules as the proxy (host,
 * path, cookie name, storage key, inline text -> purpose and vendor) and neutralises in the proxy's own markup, so
 * that `activate.js` brings both back alike. It throws nothing at the page and needs nothing the page could withhold.
 *
 * A refused call ends as the page's own error handling expects it to end on a bad line:
 *
 *   fetch, serviceWorker.register, worklet.addModule   rejects with TypeError
 *   XMLHttpRequest                                     readyState 4, status 0, `error`, `loadend`; NetworkError if sync
 *   sendBeacon                                         true
 *   WebSocket                                          readyState 3, `error`, `close` 1006
 *   EventSource, Worker, SharedWorker                  `error`; methods do nothing
 *   script, link, img, media, embed, object            attribute kept as data-samtykke-*, `error` later
 *   iframe, frame                                      stays about:blank, its own `load`
 *   inline script                                      type text/plain, does not run
 *   markup as text                                     the refused attributes renamed, all else as written
 *   style sheet, style attribute, FontFace             the refused address becomes `about:`
 *   document.cookie, cookieStore.set, storage.setItem  nothing stored, no error; deletions pass
 *   indexedDB.open                                     `error` on the request (AbortError), nothing created
 *
 * @typedef {[string | null, string | null]} Rule purpose and vendor
 * @typedef {{groups: (string | null)[][], own: string[], managers: string[], signals: string[], exempt: string[],
 *            unknown: Record<string, string>}} Rules
 */
(function (/** @type {Rules} */ rules) {
	'use strict';
	/** @type {any} */
	const top = window;
	const KEY = Symbol.for('samtykke.guard');
	if (top[KEY]) return;

	const HELD = 'data-samtykke';
	const XLINK = 'http://www.w3.org/1999/xlink';
	const PURPOSES = ['preferences', 'statistics', 'marketing'];
	const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;
	const { setTimeout, URL, Event, EventTarget } = top;
	const later = (/** @type {() => void} */ job) => void apply(setTimeout, top, [job, 0]);
	const quietly = (/** @type {() => any} */ job) => {
		try {
			return job();
		} catch {
			return undefined;
		}
	};
	const own = (/** @type {any} */ type, /** @type {string} */ name) =>
		(getOwnPropertyDescriptor(type.prototype, name) || {}).value;
	const element = top.Element;
	const [getAttribute, setAttribute, removeAttribute, hasAttribute, setAttributeNS, query] = [
		'getAttribute', 'setAttribute', 'removeAttribute', 'hasAttribute', 'setAttributeNS', 'querySelectorAll',
	].map((name) => {
		const native = own(element, name);
		return (/** @type {any} */ self, /** @type {any[]} */ ...args) => apply(native, self, args);
	});
	const queryIn = own(top.DocumentFragment, 'querySelectorAll');

	// What the visitor agreed to.

	const said = (document.currentScript || document.documentElement).dataset;
	const mirror = () => (/(?:^|; )samtykke_purposes=([^;]*)/.exec(document.cookie) || ['', ''])[1];
	const words = (/** @type {string} */ text) => PURPOSES.filter((purpose) => text.includes(purpose));
	/** @type {{purposes: Set<string>, vendors: Record<string, boolean>}} */
	const state = (location.protocol === 'about:' && quietly(() => top.parent[KEY].state)) || {
		purposes: new Set(words(said.granted ?? mirror())),
		vendors: Object.fromEntries([...(said.vendors || '').matchAll(/(\S+):([01])/g)].map(([, id, yes]) => [id, yes > '0'])),
	};
	const signalling = said.mode === 'signals' ? rules.signals : [];

	const allowed = (/** @type {Rule} */ [purpose, vendor], loads = true) => {
		if (purpose === 'necessary') return true;
		if (vendor) {
			if (vendor in state.vendors) return state.vendors[vendor];
			if (loads && signalling.includes(vendor)) return true;
			if (rules.managers.includes(vendor) && state.purposes.size) return true;
		}
		return purpose && purpose !== 'unknown' ? state.purposes.has(purpose) : state.purposes.size > 2;
	};

	// What something is.

	const [HOSTS, PATHS, COOKIES, KEYS, INLINE] = [2, 3, 4, 6, 8];
	/** @type {Record<string, Rule>[]} */
	const exact = [];
	/** @type {[string, Rule, RegExp?][][]} */
	const listed = [];
	for (let i = HOSTS; i <= INLINE; i++) (exact[i] = Object.create(null)), (listed[i] = []);
	for (const group of rules.groups) {
		const rule = /** @type {Rule} */ ([group[0], group[1]]);
		for (let i = HOSTS; i < group.length; i++)
			for (const item of group[i] ? group[i].split('\n') : [])
				i === HOSTS || i === COOKIES || i === KEYS ? (exact[i][item] = rule) : listed[i].push([item, rule]);
	}
	const glob = (/** @type {[string, Rule, RegExp?]} */ entry, /** @type {string} */ any) =>
		(entry[2] ||= new RegExp(
			(entry[0][0] === '/' || any ? '^' : '^(?:[^/]*\\.)?') +
				entry[0].replace(/[.+^${}()|[\]\\?]/g, (c) => (c === '?' && any) || '\\' + c).replace(/\*/g, '.*') + '$',
		));
	const refused = (/** @type {Rule | null | undefined} */ rule, loads = true) =>
		rule && !allowed(rule, loads) ? rule : undefined;
	const named = (/** @type {number} */ table, /** @type {any} */ name) => {
		name = '' + name;
		const entry = exact[table][name] || (listed[table + 1].find((each) => glob(each, '.').test(name)) || [])[1];
		return refused(entry || (table === COOKIES && rules.unknown.cookie === 'block' && !/^samtykke/.test(name) ? [null, null] : null), false);
	};
	const inline = (/** @type {string} */ text) =>
		refused((listed[INLINE].find((each) => text.includes(each[0])) || [])[1]);

	const home = (/:\/\/([^:/]+)/.exec(top.origin) || [])[1];
	const find = (/** @type {any} */ address, /** @type {string} */ kind) => {
		const url = quietly(() => new URL(address, document.baseURI));
		if (!url || !/^(http|ws)s?:$/.test(url.protocol)) return undefined;
		const host = url.hostname;
		let ours = false;
		/** @type {Rule | undefined} */
		let rule;
		for (let part = host; part && !ours && !rule; part = part.slice(part.indexOf('.') + 1 || part.length))
			(ours = part === home || rules.own.includes(part)) || (rule = exact[HOSTS][part]);
		rule ||= (listed[PATHS].find((each) => glob(each, '').test((each[0][0] === '/' ? '' : host) + url.pathname)) || [])[1];
		if (!rule && !ours && rules.unknown[kind] === 'block') {
			const path = location.pathname;
			if (!rules.exempt.some((each) => path === each || path.startsWith(each + '/'))) rule = [null, null];
		}
		return rule;
	};
	const judge = (/** @type {any} */ address, /** @type {string} */ kind) => refused(find(address, kind));

	// What loads: element -> attributes, and the kind that the rules know it by.

	/** @type {Record<string, string>} */
	const LOADS = Object.assign(Object.create(null), {
		script: 'src href', iframe: 'src', frame: 'src', embed: 'src', object: 'data', img: 'src srcset', link: 'href imagesrcset',
		source: 'src srcset', video: 'src poster', audio: 'src', track: 'src', input: 'src', image: 'href', use: 'href',
		feImage: 'href', a: 'ping', area: 'ping', body: 'background', table: 'background', td: 'background', th: 'background',
	});
	/** @type {Record<string, string>} */
	const KINDS = { script: 'script', iframe: 'frame', frame: 'frame', embed: 'object', object: 'object', link: 'style' };
	const ATTRIBUTES = new Set((Object.values(LOADS).join(' ') + ' xlink:href attributionsrc srcdoc').split(' '));
	const SELECTOR = Object.keys(LOADS).filter((name) => !/^(a|area|body|t.*)$/.test(name)) + ',track,style,[ping],[background],[attributionsrc],[style*="url("]';

	const loading = (/** @type {string} */ tag, /** @type {string} */ name, /** @type {any} */ value) => {
		const local = name.replace(/^xlink:/, '');
		if (local !== 'attributionsrc' && !(` ${LOADS[tag]} `.includes(` ${local} `) && LOADS[tag])) return undefined;
		value = '' + value;
		if (!/^(src|imagesrc)set|ping|attri/.test(local)) return judge(value, KINDS[tag] || 'image');
		for (const each of value.split(/[\s,]+(?=\S)/)) {
			const rule = judge(each, 'image');
			if (rule) return rule;
		}
	};

	/** Held elements that are still owed their `error`. @type {WeakSet<any>} */
	const owed = new WeakSet();
	/** What the guard itself neutralised: such a script keeps its own async flag. @type {WeakSet<any>} */
	const ours = new WeakSet();
	/** The text of style elements as the page wrote it. @type {WeakMap<any, string>} */
	const sheets = new WeakMap();
	const tell = (/** @type {any} */ node) => {
		if (owed.delete(node)) later(() => quietly(() => node.dispatchEvent(new Event('error'))));
	};
	const mark = (/** @type {any} */ node, /** @type {Rule} */ [purpose, vendor]) => {
		ours.add(node);
		setAttribute(node, HELD, purpose || 'unknown');
		if (vendor) setAttribute(node, HELD + '-vendor', vendor);
		if (node.localName === 'script' && getAttribute(node, 'type') !== 'text/plain') {
			if (hasAttribute(node, 'type')) setAttribute(node, HELD + '-type', getAttribute(node, 'type'));
			setAttribute(node, 'type', 'text/plain');
		}
	};
	const hold = (/** @type {any} */ node, /** @type {string} */ name, /** @type {any} */ value, /** @type {Rule} */ rule) => {
		setAttribute(node, HELD + '-' + name.replace(':', '-'), value);
		removeAttribute(node, name);
		mark(node, rule);
		if (!/frame$/.test(node.localName)) owed.add(node);
		if (node.isConnected || /^(img|video|audio|source)$/.test(node.localName)) tell(node);
	};
	const unmark = (/** @type {any} */ node) => {
		const type = getAttribute(node, HELD + '-type');
		if (node.localName === 'script' && getAttribute(node, 'type') === 'text/plain')
			type === null ? removeAttribute(node, 'type') : setAttribute(node, 'type', type);
		for (const name of ['', '-type', '-vendor']) removeAttribute(node, HELD + name);
	};
	/** Bring one element back in place: what was held becomes what it was. */
	const release = (/** @type {any} */ node) => {
		const script = node.localName === 'script';
		unmark(node);
		if (sheets.has(node)) setText(node, sheets.get(node));
		sheets.delete(node);
		for (const { name, value } of [...node.attributes].filter((each) => each.name.startsWith(HELD + '-'))) {
			const plain = name.slice(HELD.length + 1);
			removeAttribute(node, name);
			if (plain === 'xlink-href') setAttributeNS(node, XLINK, 'xlink:href', value);
			else setAttribute(node, plain, plain === 'srcdoc' || script ? trust(value, script ? 'createScriptURL' : 'createHTML') : value);
		}
	};
	/** Decide what setting an attribute does: nothing (an empty list), another value, or as asked (undefined). */
	const put = (/** @type {any} */ node, /** @type {string} */ name, /** @type {any} */ value) => {
		const rule = loading(node.localName, name, value);
		const kept = HELD + '-' + name.replace(':', '-');
		if (rule) hold(node, name, value, rule);
		else if (hasAttribute(node, kept)) {
			removeAttribute(node, kept);
			if (!/data-samtykke-(?!type|vendor)/.test([...node.attributes].map((each) => each.name).join())) unmark(node);
		} else if (name === 'srcdoc' && node.localName === 'iframe') return [framed(value)];
		return rule && [];
	};

	// Markup and style sheets as text.

	/** @type {any} */
	let policy;
	const trust = (/** @type {string} */ text, /** @type {string} */ how) => {
		if (!top.trustedTypes) return text;
		const same = (/** @type {string} */ each) => each;
		policy ||= quietly(() => top.trustedTypes.createPolicy('samtykke', { createHTML: same, createScriptURL: same })) || {};
		return policy[how] ? policy[how](text) : text;
	};
	/** A style sheet without its refused addresses; `note` is told why. */
	const sheet = (/** @type {any} */ text, note = (/** @type {Rule} */ _) => {}) =>
		/url\(|@import/i.test((text = '' + text))
			? text.replace(/(?:https?:)?\/\/[^\s"'()<>\\;]+/gi, (/** @type {string} */ url) => {
					const rule = judge(url, 'style');
					if (!rule) return url;
					note(rule);
					return url.replace(/^.*?\/\/[^/]*/, 'about:');
				})
			: text;

	const TAG = RegExp('<(' + Object.keys(LOADS).join('|') + ')(?=[\\s/>]|$)', 'gi');
	const ATTRIBUTE = /([\s/]*)([^\s/>][^\s/>=]*)(\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?/y;
	const decoder = document.implementation.createHTMLDocument('').createElement('textarea');
	const setter = (/** @type {any} */ type, /** @type {string} */ name) => {
		const { set } = /** @type {any} */ (getOwnPropertyDescriptor(type.prototype, name));
		return (/** @type {any} */ node, /** @type {any} */ value) => apply(set, node, [value]);
	};
	const setHTML = setter(element, 'innerHTML');
	const setText = setter(top.Node, 'textContent');
	const decoded = (/** @type {string} */ value) => {
		value = value.replace(/^(["'])([^]*)\1$/, '$2');
		if (!value.includes('&')) return value;
		setHTML(decoder, trust(value, 'createHTML'));
		return decoder.value;
	};
	/** Rename what would load, all else as written. `cut` is where an unfinished tag or script begins. */
	const scrub = (/** @type {any} */ text) => {
		const html = '' + text;
		let [out, done, cut] = ['', 0, -1];
		for (const tag of html.matchAll(TAG)) {
			if (tag.index < done) continue;
			const name = tag[1].toLowerCase();
			const script = name === 'script';
			let at = (ATTRIBUTE.lastIndex = tag.index + tag[0].length);
			let bare = script;
			/** @type {Rule | undefined} */
			let rule;
			const parts = [];
			for (let each; (each = ATTRIBUTE.exec(html)); at = ATTRIBUTE.lastIndex) {
				const attribute = each[2].toLowerCase();
				const why = loading(name, attribute, decoded(each[4] || ''));
				rule ||= why;
				if (attribute === 'src') bare = false;
				parts.push({ text: each[0], gap: each[1], rest: each[3] || '', attribute, moved: why || (script && attribute === 'type') });
			}
			let end = html.indexOf('>', at);
			if (bare && end >= 0) {
				const body = html.slice(end);
				end = body.search(/<\/script/i);
				if (end >= 0) rule = inline(body.slice(0, end));
				if (end >= 0) end += html.length - body.length;
			}
			if (end < 0) {
				cut = tag.index;
				break;
			}
			if (rule) {
				out += html.slice(done, tag.index) + `${tag[0]} ${HELD}="${rule[0] || 'unknown'}"`;
				if (rule[1]) out += ` ${HELD}-vendor="${rule[1]}"`;
				if (script) out += ' type="text/plain"';
				for (const { text, gap, rest, attribute, moved } of parts)
					out += moved ? `${gap || ' '}${HELD}-${attribute.replace(':', '-')}${rest}` : text;
				done = at;
			}
			if (bare) done = Math.max(done, (out += html.slice(done, end)) && end);
		}
		if (cut >= 0) cut += out.length - done;
		out += html.slice(done);
		return { html: sheet(out), cut };
	};
	/** An argument that is markup, scrubbed; a TrustedHTML that holds nothing refused stays what it is. */
	const clean = (/** @type {any} */ markup) => {
		const { html } = scrub(markup);
		return html === '' + markup ? markup : typeof markup === 'string' ? html : trust(html, 'createHTML');
	};
	/** A frame's own document starts with the guard, too. */
	const script = /** @type {any} */ (document.currentScript);
	const framed = (/** @type {any} */ markup) => {
		if (!script || !script.src) return clean(markup);
		const tag = script.cloneNode().outerHTML.replace(/ nonce="[^"]*"/, '').replace('>', ` nonce="${script.nonce}">`);
		const html = scrub(markup).html.replace(/^\s*(<!doctype[^>]*>)?/i, (all) => all + tag);
		return typeof markup === 'string' ? html : trust(html, 'createHTML');
	};

	// Nodes on their way into the page.

	const refusedText = (/** @type {any} */ node) => {
		const text = node.textContent;
		/** @type {Rule | undefined} */
		let rule;
		if (/rules|map/.test(node.type)) sheet('url("' + text, (why) => (rule ||= why));
		return rule || inline(text);
	};
	const restyle = (/** @type {any} */ node, /** @type {string} */ text) => {
		/** @type {Rule | undefined} */
		let rule;
		const cleaned = sheet(text, (why) => (rule ||= why));
		if (rule) mark(node, rule);
		return cleaned;
	};
	const restyleAttribute = (/** @type {any} */ node) => {
		const text = getAttribute(node, 'style');
		const cleaned = text && restyle(node, text);
		if (cleaned === text) return;
		setAttribute(node, HELD + '-style', text);
		setAttribute(node, 'style', cleaned);
	};
	const look = (/** @type {any} */ node, /** @type {boolean} */ live) => {
		const name = node.localName;
		if (hasAttribute(node, HELD)) {
			if (allowed([getAttribute(node, HELD), getAttribute(node, HELD + '-vendor')])) release(node);
			else if (live) tell(node);
		}
		for (const each of [...node.attributes]) {
			const rule = loading(name, each.name, each.value);
			if (rule) hold(node, each.name, each.value, rule);
		}
		if (name === 'script' && !hasAttribute(node, 'src') && !hasAttribute(node, HELD)) {
			const rule = refusedText(node);
			if (rule) mark(node, rule);
		}
		if (name === 'style' && !sheets.has(node)) {
			const text = node.textContent;
			const cleaned = restyle(node, text);
			if (cleaned !== text) setText(node, cleaned), sheets.set(node, text);
		}
		if (hasAttribute(node, 'style')) restyleAttribute(node);
		if (/frame$|^object$/.test(name)) entered.push(node);
	};
	/** What the call under way inserts: windows in it are ours to guard once it is in. @type {any[]} */
	const entered = [];
	const lookInside = (/** @type {any} */ node, live = false) => {
		const inside = node.nodeType === 1 ? query(node, SELECTOR) : apply(queryIn, node, [SELECTOR]);
		for (const each of inside) look(each, live);
	};
	const enter = (/** @type {any} */ node, /** @type {any} */ target) => {
		const kind = node.nodeType;
		if (kind === 3) {
			if (target.localName === 'style') node.data = restyle(target, node.data);
		} else if (kind === 1 || kind === 11) {
			const live = target.isConnected;
			if (kind === 1 && (LOADS[node.localName] || node.localName === 'style' || hasAttribute(node, 'style'))) look(node, live);
			if (node.firstElementChild && (live || node.ownerDocument !== target.ownerDocument)) lookInside(node, live);
		}
	};
	const settle = () => {
		for (const root of entered.splice(0))
			quietly(() => {
				for (const frame of root.localName && 'contentWindow' in root ? [root] : root.querySelectorAll('iframe,frame,object')) frame.contentWindow;
			});
	};
	const enterMarkup = (/** @type {any} */ markup, /** @type {any} */ root) => {
		const cleaned = clean(markup);
		if (root && /<(i?frame|object)/i.test(cleaned)) entered.push(root);
		return cleaned;
	};

	// Everything that a window offers, dressed so that it looks like what it stands for.

	/** @type {WeakMap<any, any>} */
	const natives = new WeakMap();
	const dress = (/** @type {any} */ stand, /** @type {any} */ native) => {
		natives.set(stand, native);
		for (const name of ['name', 'length']) defineProperty(stand, name, /** @type {any} */ (getOwnPropertyDescriptor(native, name)));
		return stand;
	};
	const method = (/** @type {any} */ owner, /** @type {string} */ name, /** @type {(native: any) => any} */ make) => {
		const found = owner && getOwnPropertyDescriptor(owner, name);
		if (found && typeof found.value === 'function') defineProperty(owner, name, { ...found, value: dress(make(found.value), found.value) });
	};
	/** Before each call `ask` may change the arguments or answer in the native's place. */
	const ask = (/** @type {any} */ owner, /** @type {string} */ names, /** @type {(args: any[], self: any) => any} */ answer) => {
		for (const name of names.split(' '))
			method(owner, name, (native) => ({
				f(/** @type {any[]} */ ...args) {
					const instead = quietly(() => answer(args, this));
					const result = instead ? instead() : apply(native, this, args);
					if (entered.length) settle();
					return result;
				},
			}).f);
	};
	/** Before a property is set `answer` may return another value in a list, or an empty list for none. */
	const property = (
		/** @type {any} */ type, /** @type {string} */ name, /** @type {((value: any, self: any) => any) | null} */ answer,
		/** @type {((value: any, self: any) => any) | null} */ after = null, source = type,
	) => {
		const found = type && getOwnPropertyDescriptor(source.prototype, name);
		if (!found || !found.get) return;
		const { get, set } = found;
		const stands = {
			get() {
				const value = apply(/** @type {any} */ (get), this, []);
				return (after && quietly(() => after(value, this))) || value;
			},
			set(/** @type {any} */ value) {
				const instead = answer ? quietly(() => answer(value, this)) || [value] : [value];
				if (instead.length) apply(/** @type {any} */ (set), this, instead);
				if (entered.length) settle();
			},
		};
		defineProperty(type.prototype, name, {
			...found, get: after ? dress(stands.get, get) : get, set: set && dress(stands.set, set),
		});
	};
	const nothing = () => undefined;
	const expired = (/** @type {string} */ text) => {
		const age = /;\s*max-age\s*=\s*(-?\d+)/i.exec(text);
		const date = /;\s*expires\s*=([^;]*)/i.exec(text);
		return age ? +age[1] <= 0 : date ? Date.parse(date[1]) <= Date.now() : false;
	};
	/** A stand-in for a connection or worker that failed at once. */
	const dud = (/** @type {any} */ type, /** @type {any} */ url, /** @type {number} */ readyState, /** @type {Event[]} */ events, more = {}) => {
		const self = new EventTarget();
		Object.setPrototypeOf(self, type.prototype);
		for (const [name, value] of Object.entries({
			send: nothing, close: nothing, postMessage: nothing, terminate: nothing, readyState, url: '' + url,
			onopen: null, onmessage: null, onerror: null, onclose: null, ...more,
		}))
			if (name in type.prototype) Object.defineProperty(self, name, { value, writable: true });
		later(() => {
			for (const event of events) {
				self.dispatchEvent(event);
				const on = self['on' + event.type];
				if (on) on.call(self, event);
			}
		});
		return self;
	};

	const install = (/** @type {any} */ w) => {
		if (w[KEY]) return;
		defineProperty(w, KEY, { value: handle });
		const reject = () => w.Promise.reject(new w.TypeError('Failed to fetch'));
		const all = { Element: w.Element.prototype, Node: w.Node.prototype, Document: w.Document.prototype };

		method(w.Function.prototype, 'toString', (native) => ({
			toString() {
				return apply(native, natives.get(this) || this, []);
			},
		}).toString);

		// Setters.
		for (const [type, names] of Object.entries({
			Script: 'src', IFrame: 'src', Frame: 'src', Image: 'src srcset', Source: 'src srcset', Media: 'src', Video: 'poster', Track: 'src',
			Embed: 'src', Object: 'data', Input: 'src', Link: 'href imageSrcset', Anchor: 'ping', Area: 'ping', Body: 'background',
		}))
			for (const name of names.split(' ')) {
				const attribute = name.toLowerCase();
				property(
					w[`HTML${type}Element`], name,
					(value, self) => put(self, attribute, value),
					(value, self) => {
						const kept = value === '' && getAttribute(self, HELD + '-' + attribute);
						return kept && /src$|href|data/.test(attribute) ? new URL(kept, document.baseURI).href : kept;
					},
				);
			}
		property(w.SVGAnimatedString, 'baseVal', (value) => judge(value, 'image') && []);
		property(w.Attr, 'value', (value, self) => self.ownerElement && put(self.ownerElement, self.name, value));
		for (const name of ['textContent', 'innerText', 'innerHTML'])
			property(w.HTMLStyleElement, name, (value, self) => {
				const cleaned = restyle(self, '' + value);
				if (cleaned !== '' + value) sheets.set(self, value);
				return cleaned !== '' + value && [cleaned];
			}, null, name === 'innerText' ? w.HTMLElement : name === 'innerHTML' ? w.Element : w.Node);
		method(all.Element, 'setAttribute', (native) => ({
			setAttribute(/** @type {any} */ name, /** @type {any} */ value) {
				const instead = (ATTRIBUTES.has(name) || ATTRIBUTES.has(('' + name).toLowerCase())) && quietly(() => put(this, ('' + name).toLowerCase(), value));
				if (!instead) return apply(native, this, arguments);
				return instead.length ? apply(native, this, [name, instead[0]]) : undefined;
			},
		}).setAttribute);
		ask(all.Element, 'setAttributeNS', (args, self) => {
			const instead = put(self, ('' + args[1]).replace(/^(?!xlink:).*:/, ''), args[2]);
			return instead && (instead.length ? void (args[2] = instead[0]) : nothing);
		});
		ask(all.Element, 'setAttributeNode setAttributeNodeNS', ([{ name, value }], self) => put(self, name, value) && (() => null));

		// Insertion.
		for (const name of ['appendChild', 'insertBefore', 'replaceChild'])
			method(all.Node, name, (native) => ({
				f(/** @type {any} */ node, /** @type {any} */ at) {
					try {
						enter(node, this);
					} catch {}
					const result = arguments.length > 1 ? apply(native, this, arguments) : apply(native, this, [node]);
					if (entered.length) settle();
					return result;
				},
			}).f);
		for (const type of ['Element', 'Document', 'DocumentFragment', 'CharacterData', 'DocumentType', 'Range'])
			ask(
				w[type] && w[type].prototype,
				'append prepend before after replaceWith replaceChildren insertAdjacentElement moveBefore insertNode surroundContents',
				(args, self) => {
					for (const each of args) if (each && each.nodeType) enter(each, self.nodeType ? self : self.startContainer);
				},
			);
		ask(all.Document, 'importNode adoptNode', ([node]) => {
			if (node.nodeType === 1) look(node, false);
			if (node.firstElementChild) lookInside(node);
			entered.length = 0;
		});

		// Markup.
		for (const type of [w.Element, w.ShadowRoot]) {
			property(type, 'innerHTML', (value, self) => [enterMarkup(value, self)]);
			ask(type && type.prototype, 'setHTMLUnsafe setHTML', (args, self) => void (args[0] = enterMarkup(args[0], self)));
		}
		property(w.Element, 'outerHTML', (value, self) => [enterMarkup(value, self.parentNode)]);
		ask(all.Element, 'insertAdjacentHTML', (args, self) => void (args[1] = enterMarkup(args[1], self.parentNode || self)));
		ask(w.Range.prototype, 'createContextualFragment', (args) => void (args[0] = clean(args[0])));
		property(w.HTMLIFrameElement, 'srcdoc', (value, self) => put(self, 'srcdoc', value));
		let pending = '';
		ask(all.Document, 'write writeln', (args) => {
			const text = pending + args.join('');
			let { html, cut } = scrub(text);
			const tail = html.search(/<[a-z]*$/i);
			if (cut < 0) cut = tail;
			pending = cut < 0 ? '' : html.slice(cut);
			if (cut >= 0) html = html.slice(0, cut);
			args.splice(0, args.length, typeof args[0] === 'object' ? trust(html, 'createHTML') : html);
		});

		method(all.Element, 'attachShadow', (native) => ({
			attachShadow() {
				const root = apply(native, this, arguments);
				if (root.mode === 'closed') shadows.set(this, root);
				return root;
			},
		}).attachShadow);

		// Requests.
		ask(w, 'fetch fetchLater', ([input]) => judge((input && input.url) || input, 'connect') && reject);
		ask(w.Navigator.prototype, 'sendBeacon', ([url]) => judge(url, 'connect') && (() => true));
		ask(w.ServiceWorkerContainer && w.ServiceWorkerContainer.prototype, 'register', ([url]) => judge(url, 'worker') && reject);
		ask(w.Worklet && w.Worklet.prototype, 'addModule', ([url]) => judge(url, 'script') && reject);
		/** @type {WeakMap<any, boolean>} asynchronous? */
		const requests = new WeakMap();
		ask(w.XMLHttpRequest.prototype, 'open', ([, url, asynchronous = true], self) => {
			delete self.readyState;
			requests.delete(self);
			if (judge(url, 'connect')) requests.set(self, !!asynchronous);
		});
		ask(w.XMLHttpRequest.prototype, 'send', (_, self) =>
			requests.has(self) &&
			(() => {
				defineProperty(self, 'readyState', { value: 4, configurable: true });
				if (!requests.get(self)) throw new w.DOMException('A network error occurred.', 'NetworkError');
				later(() => {
					for (const type of ['readystatechange', 'error', 'loadend'])
						if (self.readyState === 4) self.dispatchEvent(type === 'readystatechange' ? new Event(type) : new w.ProgressEvent(type));
				});
			}));
		/** @type {[string, string, (type: any, args: any[]) => any][]} */
		const constructors = [
			['WebSocket', 'connect', (type, [url]) => dud(type, url, 3, [new Event('error'), new w.CloseEvent('close', { code: 1006 })])],
			['EventSource', 'connect', (type, [url]) => dud(type, url, 2, [new Event('error')])],
			['Worker', 'worker', (type, [url]) => dud(type, url, 0, [new Event('error')])],
			['SharedWorker', 'worker', (type, [url]) => dud(type, url, 0, [new Event('error')], { port: new w.MessageChannel().port1 })],
			['Audio', 'media', (type, [url]) => Object.assign(new type(), { src: url })],
		];
		for (const [name, kind, make] of constructors) {
			const native = w[name];
			if (!native) continue;
			const stand = new Proxy(native, {
				construct: (type, args, target) =>
					args.length && quietly(() => judge(args[0], kind)) ? make(target, args) : construct(type, args, target),
			});
			natives.set(stand, native);
			defineProperty(w, name, { .../** @type {any} */ (getOwnPropertyDescriptor(w, name)), value: stand });
			if (name !== 'Audio') defineProperty(native.prototype, 'constructor', { value: stand, configurable: true, writable: true });
		}
		if (w.FontFace) w.FontFace = new Proxy(w.FontFace, {
			construct: (type, [name, source, ...rest], target) => construct(type, [name, typeof source === 'string' ? sheet(source) : source, ...rest], target),
		});

		// Style sheets.
		const rule = (/** @type {any[]} */ args) => void (args[0] = sheet(args[0]));
		ask(w.CSSStyleSheet.prototype, 'insertRule replace replaceSync', rule);
		ask(w.CSSGroupingRule.prototype, 'insertRule', rule);
		ask(w.CSSStyleDeclaration.prototype, 'setProperty', (args) => void (args[1] = sheet(args[1])));
		property(w.CSSStyleDeclaration, 'cssText', (value) => [sheet(value)]);

		// Storage.
		property(w.Document, 'cookie', (value) => named(COOKIES, ('' + value).split(/[=;]/, 1)[0].trim()) && !expired('' + value) && []);
		ask(w.CookieStore && w.CookieStore.prototype, 'set', ([name]) => {
			const { expires } = name;
			return named(COOKIES, name.name ?? name) && !(expires != null && expires <= Date.now()) && (() => w.Promise.resolve());
		});
		ask(w.Storage.prototype, 'setItem', ([key]) => named(KEYS, key) && nothing);
		method(w.IDBFactory.prototype, 'open', (native) => ({
			open(/** @type {any} */ name) {
				const request = apply(native, this, arguments);
				if (named(KEYS, name))
					request.addEventListener('upgradeneeded', (/** @type {any} */ event) => {
						event.stopImmediatePropagation();
						request.transaction.abort();
					});
				return request;
			},
		}).open);

		// Windows of frames.
		for (const type of [w.HTMLIFrameElement, w.HTMLFrameElement, w.HTMLObjectElement]) {
			property(type, 'contentWindow', null, (value) => (value && quietly(() => install(value)), value));
			property(type, 'contentDocument', null, (value) => (value && quietly(() => install(value.defaultView)), value));
		}
		if (w !== top) w.samtykke = top.samtykke;
		new w.MutationObserver((/** @type {any[]} */ records) => {
			for (const { target } of records) if (hasAttribute(target, 'style')) quietly(() => restyleAttribute(target));
		}).observe(w.document, { subtree: true, attributes: true, attributeFilter: ['style'] });
	};

	/** Closed shadow roots, so that what is held in them can come back. @type {WeakMap<any, any>} */
	const shadows = new WeakMap();

	// Calls to a tag's global before its snippet may run: kept, and made when it has run.

	/** @type {[string, any[]][]} */
	const calls = [];
	for (const [text, rule] of listed[INLINE]) {
		const name = (/^([a-zA-Z_$][\w$]*)\($/.exec(text) || [])[1];
		if (!name || name in top || allowed(rule)) continue;
		const stub = (/** @type {any[]} */ ...args) => void calls.push([name, args]);
		let blocked = false;
		defineProperty(top, name, {
			configurable: true,
			get: () => ((blocked ||= [...document.querySelectorAll(`script[${HELD}]`)].some((each) => /** @type {any} */ (each.textContent).includes(text))) ? stub : undefined),
			set: (value) => defineProperty(top, name, { value, configurable: true, enumerable: true, writable: true }),
		});
	}
	const replay = () => {
		for (const [name, args] of calls.splice(0)) {
			const found = getOwnPropertyDescriptor(top, name);
			if (found && typeof found.value === 'function') quietly(() => found.value(...args));
			else calls.push([name, args]);
		}
	};

	// Consent Mode: the seven signals, before any tag.

	const signal = (/** @type {string} */ command) => {
		const say = (/** @type {string} */ purpose) => (allowed([purpose, null]) ? 'granted' : 'denied');
		const [ads, personal] = [say('marketing'), say('preferences')];
		const signals = {
			ad_storage: ads, ad_user_data: ads, ad_personalization: ads, analytics_storage: say('statistics'),
			functionality_storage: personal, personalization_storage: personal, security_storage: 'granted',
		};
		const layer = (top.dataLayer ||= []);
		(function () {
			layer.push(arguments);
		}).apply(null, /** @type {any} */ (['consent', command, command === 'default' ? { ...signals, wait_for_update: 500 } : signals]));
	};

	/** @type {any} */
	const handle = { state, allowed, find, named, release, signal, mirror, words, ours, shadows, replay, COOKIES, KEYS };
	/** @type {((state: any) => void)[]} */
	const listeners = [];
	handle.tell = () => {
		const detail = { purposes: [...state.purposes], vendors: { ...state.vendors } };
		for (const each of listeners) quietly(() => each(detail));
		document.dispatchEvent(new top.CustomEvent('samtykke:change', { detail }));
	};
	top.samtykke = {
		granted: (/** @type {string} */ purpose) => allowed([purpose, null]),
		onChange: (/** @type {(state: any) => void} */ listener) => void listeners.push(listener),
		open() {
			const button = document.getElementById('samtykke-reopen') || document.getElementById('samtykke-settings');
			if (button) button.click();
			else location.assign('/.samtykke/preferences');
		},
		activate: (/** @type {any} */ choice) => (handle.activate ? handle.activate(choice) : void (handle.waiting = choice)),
	};
	quietly(() => install(top));
	if (top === top.parent) quietly(() => signal('default'));
})(/** @type {any} */ ('RULES'));
