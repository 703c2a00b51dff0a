/**
 * The guard: what a page makes at run time loads and is sent only where the visitor agreed; what it stores is decided in
 * `corners.js`, right after.
 *
 * First script in `head`; it runs before anything of the site's. It decides by the proxy's own rules (host, path,
 * cookie name, storage key, inline text -> purpose and vendor) and neutralises in the proxy's own markup, so that
 * `activate.js` brings both back alike. It throws nothing at the page.
 *
 * A refused call ends as the page's own error handling expects it to end on a bad line:
 *
 *   fetch, fetchLater, serviceWorker.register, addModule  rejects with TypeError
 *   XMLHttpRequest                                        readyState 4, status 0, `error`, `loadend`; sync: NetworkError
 *   sendBeacon                                            true
 *   WebSocket                                             readyState 3, `error`, then `close` 1006
 *   EventSource, Worker, SharedWorker                     `error`; methods do nothing
 *   script, link, img, media, embed, object               attribute kept as data-samtykke-*, `error` later
 *   iframe, frame                                         stays about:blank, with its own `load`
 *   inline script                                         type text/plain, does not run
 *   markup as text                                        the refused attributes renamed, all else as written
 *   style sheet, style attribute, FontFace                the refused address becomes `about:`
 *   document.cookie, cookieStore.set, storage.setItem     nothing stored, no error; deletions pass
 *   indexedDB.open                                        `error` on the request (AbortError), nothing created
 */

/**
 * @typedef {(string | null | undefined)[]} Rule purpose and vendor
 * @typedef {object} Rules what `tables.py` writes in the place of 'RULES'; every text is a regular expression
 * @property {any[][]} rows purpose, vendor, pattern, what stands in for a frame: hosts
 * @property {any[][][]} said the operator's words and the policy's contacts, asked before
 * @property {any[][]} ends endpoints on the site's own hosts
 * @property {any[][]} others those that give a tracker away on others' hosts, too
 * @property {string} own hosts of the site itself
 * @property {string} exempt paths on which an unknown third party passes
 * @property {string[]} unknown kinds of load that need every purpose where nothing is known
 * @property {string[]} managers vendors that load once anything is agreed to
 * @property {string[]} hosted vendors whose software a site may run itself
 * @property {string[]} signals vendors that load in consent mode `signals`
 */

(function (/** @type {Rules} */ rules) {
	'use strict';
	/** @type {any} */
	const top = window;
	const KEY = Symbol.for('samtykke.guard');
	if (top[KEY]) return;

	const HELD = 'data-samtykke';
	const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
	const { setTimeout } = top;
	const quietly = (job) => {
		try {
			return job();
		} catch {}
	};
	const later = (job) => apply(setTimeout, top, [() => quietly(job)]);

	// What the visitor agreed to.

	const script = /** @type {HTMLScriptElement} */ (document.currentScript);
	/** Granted purposes by the readable cookie. */
	const mirror = () => (/(?:^|; )samtykke_purposes=([^;]*)/.exec(document.cookie) || '')[1]?.match(/[a-z]+/g) || [];
	/** @type {{purposes: string[], vendors: Record<string, boolean>}} */
	const state = quietly(() => /^(ab|bl)/.test(location.protocol) && top.parent[KEY].state) ||
		quietly(() => JSON.parse(/** @type {string} */ (script.dataset.state))) || { purposes: [], vendors: {} };
	const signals = quietly(() => script.dataset.mode === 'signals') ? rules.signals : [];

	/**
	 * Who decides. It stands alone, since it goes into workers as well (`corners.js`): what it needs of the page is `at`.
	 * @param {Rules} rules
	 * @param {{purposes: string[], vendors: Record<string, boolean>}} state
	 * @param {string[]} signals
	 */
	const decider = (rules, state, signals, at) => {
		/** A vendor's own choice beats its purpose's; what is not known needs every purpose. */
		const allowed = (/** @type {Rule} */ [purpose, vendor], loads = true) =>
			purpose === 'necessary' ||
			(state.vendors[/** @type {string} */ (vendor)] ??
				((loads && signals.includes(/** @type {string} */ (vendor))) ||
					(rules.managers.includes(/** @type {string} */ (vendor)) && !!state.purposes[0]) ||
					(purpose && purpose !== 'unknown' ? state.purposes.includes(purpose) : state.purposes.length > 2)));
		/** The rule that fits the longest part of the text; the first of those. */
		const match = (rows, text, column = 2) => {
			let [found, most] = [/** @type {any} */ (undefined), 0];
			for (const row of rows) {
				if (!row[column]) continue;
				const part = (row[column].exec ? row[column] : (row[column] = RegExp(row[column]))).exec(text);
				if (part && part[0].length > most) [found, most] = [row, part[0].length];
			}
			return found;
		};
		const refused = (rule, loads = true) => (rule && !allowed(rule, loads) ? rule : undefined);
		/** In the order in which the proxy asks. */
		const find = (address, kind) => {
			let url;
			try {
				url = new at.URL(address, at.base());
			} catch {
				return;
			}
			if (!/^(http|ws)/.test(url.protocol)) return at.written(url, kind);
			const host = url.hostname;
			const own = host === at.home || RegExp(rules.own).test(host);
			const text = [host, url.pathname, kind, url].join(' ');
			for (const rows of [...rules.said, own ? rules.ends : [], rules.rows, own ? [] : rules.others]) {
				const rule = match(rows, text);
				if (rule) return own && rows === rules.rows && rules.hosted.includes(rule[1]) ? undefined : rule;
			}
			return !own && rules.unknown.includes(kind) && !RegExp(rules.exempt).test(at.path()) ? [] : undefined;
		};
		return { allowed, match, refused, find };
	};
	const at = {
		URL: top.URL, home: (/:\/\/([^:/]+)/.exec(top.origin) || '')[1], base: () => document.baseURI, path: () => location.pathname,
		written: (url, kind) => handle.written(url, kind),
	};
	const { allowed, match, refused, find } = decider(rules, state, signals, at);
	const judge = (address, kind) => handle.note(refused(find(address, kind)), kind);

	// What loads: element -> attributes, and the kind that the rules know it by.

	const LOADS = {
		__proto__: null, script: 'src href', iframe: 'src', frame: 'src', embed: 'src', object: 'data', img: 'src srcset',
		link: 'href imagesrcset', source: 'src srcset', video: 'src poster', audio: 'src', track: 'src', input: 'src',
		image: 'href', feimage: 'href', use: 'href', a: 'ping', area: 'ping', body: 'background', td: 'background',
	};
	const SETTERS = 'Script.src IFrame.src Frame.src Embed.src Object.data Image.src.srcset Link.href.imageSrcset Source.src.srcset Media.src Video.poster Track.src Input.src Anchor.ping Area.ping Body.background';
	const KINDS = { script: 'script', iframe: 'frame', frame: 'frame', embed: 'object', object: 'object', link: 'style' };
	const ATTRIBUTES = RegExp(`^(${Object.values(LOADS).join('|').replace(/ /g, '|')}|xlink:href|attributionsrc|srcdoc)$`, 'i');
	const NAMES = new Set([...Object.keys(LOADS), 'feImage', 'style']);
	NAMES.delete('a');
	/** What to look at in a tree that enters the page; its addresses were judged when they were set. */
	const SELECTOR = `script,style,iframe,frame,object,[${HELD}],[style*="url("]`;
	/** The same in a tree of another document, whose parser judges nothing. */
	const FOREIGN = [...NAMES] + ',[ping],' + SELECTOR;

	const loads = (tag, name) => name === 'attributionsrc' || (LOADS[tag] || '').split(' ').includes(name);
	const loading = (tag, name, value) => {
		tag = tag.toLowerCase();
		name = name.replace('xlink:', '');
		if (!loads(tag, name)) return;
		if (value.call) value = value();
		for (const each of /set$|ping|^att/.test(name) ? ('' + value).split(/[\s,]+/) : [value]) {
			const rule = judge(each, KINDS[tag] || 'image');
			if (rule) return rule;
		}
	};

	/** Held elements that are still owed their `error`. @type {WeakSet<any>} */
	const owed = new WeakSet();
	/** What the guard itself neutralised: such a script keeps its own async flag. @type {WeakSet<any>} */
	const ours = new WeakSet();
	/** What the visitor asked for by itself. @type {WeakSet<any>} */
	const free = new WeakSet();
	const tell = (node) => owed.delete(node) && later(() => node.dispatchEvent(new Event('error')));
	const mark = (node, /** @type {Rule} */ [purpose, vendor]) => {
		ours.add(node);
		node.setAttribute(HELD, purpose || 'unknown');
		if (vendor) node.setAttribute(HELD + '-vendor', vendor);
		const type = node.getAttribute('type');
		if (node.localName !== 'script' || type === 'text/plain') return;
		if (type !== null) node.setAttribute(HELD + '-type', type);
		node.setAttribute('type', 'text/plain');
	};
	const hold = (node, name, value, rule) => {
		node.setAttribute(HELD + '-' + name.replace(':', '-'), value);
		node.removeAttribute(name);
		mark(node, rule);
		if (/frame/.test(node.localName)) return handle.veil(node);
		owed.add(node);
		if (node.isConnected || /^(im|vi|au|so)/.test(node.localName)) tell(node);
	};
	/** Bring one element back in place: what was held becomes what it was. */
	const release = (node, always = false) => {
		if (always) free.add(node);
		const type = node.getAttribute(HELD + '-type');
		if (node.localName === 'script' && node.getAttribute('type') === 'text/plain')
			type === null ? node.removeAttribute('type') : node.setAttribute('type', type);
		for (const { name, value } of [...node.attributes]) {
			if (!name.startsWith(HELD)) continue;
			node.removeAttribute(name);
			const plain = name.slice(HELD.length + 1).replace('k-', 'k:');
			if (plain === 'text') node.textContent = value;
			else if (plain && !/^(type|vendor)$/.test(plain))
				node.setAttributeNS(plain[5] === ':' ? 'http://www.w3.org/1999/xlink' : null, plain, trust(value, /^src$|href/.test(plain) ? 'createScriptURL' : 'createHTML'));
		}
		handle.back(node);
	};
	/** Before an attribute is set: hold it (true), or note that what was held there is replaced. */
	const put = (node, name, value) => {
		const kept = HELD + '-' + name.replace(':', '-');
		const rule = !free.has(node) && loading(node.localName, name, value);
		if (rule) hold(node, name, value, rule);
		else if (node.hasAttribute(kept)) {
			node.removeAttribute(kept);
			if (![...node.attributes].some((each) => /^data-samtykke-(?!type|vendor)/.test(each.name))) release(node);
		}
		return rule;
	};

	let policy;
	/** For a page that enforces Trusted Types: a policy of our own, where its CSP names it. */
	const trust = (text, how) => {
		if (!top.trustedTypes) return text;
		const same = (each) => each;
		policy ||= quietly(() => top.trustedTypes.createPolicy('samtykke', { createHTML: same, createScriptURL: same })) || {};
		return policy[how] ? policy[how](text) : text;
	};

	// Nodes on their way into the page.

	/** What the call under way inserts: windows in it are ours to guard, held frames to explain. @type {any[]} */
	const entered = [];
	const settle = () => {
		for (const root of entered.splice(0))
			quietly(() => {
				for (const frame of [root, ...root.querySelectorAll('iframe,frame,object,embed')]) {
					frame.contentWindow;
					handle.veil(frame);
				}
			});
	};
	const look = (node, live) => {
		const name = node.localName;
		if (node.hasAttribute(HELD)) {
			if (allowed([node.getAttribute(HELD), node.getAttribute(HELD + '-vendor')])) release(node);
			else if (live) tell(node);
		}
		for (const each of [...node.attributes]) put(node, each.name, each.value);
		handle.corner(node);
		if (/frame|obj|emb/.test(name)) entered.push(node);
	};
	const lookInside = (node, live, selector = FOREIGN) => {
		for (const each of node.querySelectorAll(selector)) look(each, live);
	};
	/** Asked for every node that a page inserts: the cheap questions come first. */
	const enter = (node, target) => {
		const name = node.localName;
		if (!name && node.nodeType !== 11) return;
		const full = node.firstElementChild;
		const live = (full || NAMES.has(name)) && target.isConnected;
		if (name && (NAMES.has(name) || node.hasAttribute('style'))) look(node, live);
		if (!full) return;
		if (live) lookInside(node, live, node.ownerDocument === target.ownerDocument ? SELECTOR : FOREIGN);
		else if (node.ownerDocument !== target.ownerDocument) lookInside(node, live);
	};

	// What a window offers, dressed so that it looks like what it stands for.

	/** @type {WeakMap<any, any>} */
	const natives = new WeakMap();
	const wrap = (owner, names, make, key = 'value') => {
		for (const name of names.split(' ')) {
			const found = owner && getOwnPropertyDescriptor(owner, name);
			const native = found && found[key];
			if (!native) continue;
			const stand = make(native);
			natives.set(stand, native);
			for (const each of ['name', 'length']) defineProperty(stand, each, { value: native[each], configurable: true });
			defineProperty(owner, name, { ...found, [key]: stand });
		}
	};
	/** Before each call `answer` may change the arguments, or return what to do in the native's place. */
	const ask = (owner, names, answer, key = 'value') =>
		wrap(owner, names, (native) => ({
			f(...args) {
				let instead;
				try {
					instead = answer(args, this);
				} catch {}
				const result = instead ? instead() : apply(native, this, args);
				if (entered.length) settle();
				return result;
			},
		}).f, key);
	const nothing = () => {};

	const install = (w) => {
		if (w[KEY]) return;
		defineProperty(w, KEY, { value: handle });
		const proto = (name) => w[name] && w[name].prototype;
		const [element, node] = ['Element', 'Node'].map(proto);
		const reject = () => w.Promise.reject(new w.TypeError('Failed to fetch'));

		// Setters, by interface: to make an element of each kind costs a page more than to name it.
		for (const each of SETTERS.split(' ')) {
			const [kind, ...names] = each.split('.');
			const type = proto(`HTML${kind}Element`);
			for (const name of names) {
				const attribute = name.toLowerCase();
				ask(type, name, ([value], self) => put(self, attribute, value) && nothing, 'set');
				wrap(type, name, (native) => ({
					f() {
						const value = apply(native, this, []);
						const kept = value === '' && this.getAttribute(HELD + '-' + attribute);
						return kept ? (/set|ping/.test(attribute) ? kept : new at.URL(kept, document.baseURI).href) : value;
					},
				}).f, 'get');
			}
		}
		wrap(element, 'setAttribute', (native) => ({
			f(name, value) {
				if (!ATTRIBUTES.test(name) || (this.localName === 'a' && name === 'href')) return apply(native, this, arguments);
				const attribute = name.toLowerCase();
				if (/^src(doc)?$/.test(attribute) && this.localName === 'iframe') value = handle.framed(value, attribute);
				if (!quietly(() => put(this, attribute, value))) apply(native, this, [name, value]);
			},
		}).f);
		ask(element, 'setAttributeNS', (args, self) => put(self, ('' + args[1]).replace(/^(?!xlink:).*:/, ''), args[2]) && nothing);

		// Insertion.
		wrap(node, 'appendChild insertBefore replaceChild', (native) => ({
			f(child) {
				try {
					enter(child, this);
				} catch {}
				const result = apply(native, this, arguments);
				if (entered.length) settle();
				return result;
			},
		}).f);
		for (const type of ['Element', 'Document', 'DocumentFragment', 'CharacterData', 'DocumentType', 'Range'])
			ask(
				proto(type),
				'append prepend before after replaceWith replaceChildren insertAdjacentElement moveBefore insertNode surroundContents',
				(args, self) => {
					for (const each of args) if (each && each.nodeType) enter(each, self.nodeType ? self : self.startContainer);
				},
			);

		// Requests.
		ask(w, 'fetch fetchLater', ([input]) => judge((input && input.url) || input, 'connect') && reject);
		ask(proto('Navigator'), 'sendBeacon', ([url]) => judge(url, 'connect') && (() => true));
		const xhr = proto('XMLHttpRequest');
		/** Refused requests; is it asynchronous? @type {WeakMap<any, boolean>} */
		const requests = new WeakMap();
		ask(xhr, 'open', ([, url, asynchronous = true], self) => {
			delete self.readyState;
			requests.delete(self);
			if (judge(url, 'connect')) requests.set(self, asynchronous);
		});
		ask(xhr, 'send', (_, self) => requests.has(self) && (() => {
			defineProperty(self, 'readyState', { value: 4, configurable: true });
			if (!requests.get(self)) throw new w.DOMException('A network error occurred.', 'NetworkError');
			for (const type of ['readystatechange', 'error', 'loadend'])
				later(() => self.readyState === 4 && self.dispatchEvent(new w.ProgressEvent(type)));
		}));
		// Windows of frames.
		for (const type of ['HTMLIFrameElement', 'HTMLFrameElement', 'HTMLObjectElement'])
			wrap(proto(type), 'contentWindow contentDocument', (native) => ({
				f() {
					const value = apply(native, this, []);
					quietly(() => install(value.defaultView || value));
					return value;
				},
			}).f, 'get');
		for (const each of handle.more) each(w);
	};
	/** What `corners.js` and `activate.js` build on, and what they add. @type {any} */
	const handle = {
		home: top, rules, state, signals, decider, at, allowed, match, refused, find, judge, put, mark, release, mirror, ours, natives, wrap, ask, quietly, apply, later, look, lookInside, entered, nothing,
		HELD, more: [], script, trust, loading, LOADS, ATTRIBUTES, corner: nothing, back: nothing, veil: nothing, written: nothing, note: (rule) => rule,
	};
	quietly(() => install(top));
})(/** @type {any} */ ('RULES'));
