/**
 * Bring back what the visitor has now agreed to, and take back what he no longer does.
 *
 * Runs after `guard.js`, whose rules and state it uses, and before any tag, since it says Consent Mode's defaults.
 * Scripts return in document order, once, in place (frameworks that hold the element keep it), with async, defer and
 * module kept; frames, images and style sheets return at once. Withdrawal clears what is stored, then reloads: a
 * script that has run cannot be unrun.
 */
(function () {
	'use strict';
	/** @type {any} */
	const top = window;
	const guard = top[Symbol.for('samtykke.guard')];
	if (!guard || guard.activate || guard.home !== top) return;
	const { state, allowed, release, mark, cookie, key: tracked, wrap, apply, quietly, ours, HELD } = guard;

	// Consent Mode: the seven signals.

	const signal = (command, more = {}) => {
		const say = (purpose) => (allowed([purpose]) ? 'granted' : 'denied');
		const [advertising, personal] = [say('marketing'), say('preferences')];
		const layer = (top.dataLayer ||= []);
		(function (..._) {
			layer.push(arguments);
		})('consent', command, {
			ad_storage: advertising,
			ad_user_data: advertising,
			ad_personalization: advertising,
			analytics_storage: say('statistics'),
			functionality_storage: personal,
			personalization_storage: personal,
			security_storage: 'granted',
			...more,
		});
	};

	// Calls to a tag's global before its snippet may run: kept, and made when it has run.

	/** @type {[string, any[]][]} */
	const calls = [];
	const standIn = (name, sign, facts, stub, then) => {
		if (name in top || allowed(facts)) return;
		let held = false;
		// Only where its snippet is held: a bundled copy of the snippet gives up when it finds its own name taken.
		const found = () => [...document.querySelectorAll(`script[${HELD}]`)].some((each) => /** @type {any} */ (each).text.includes(name + sign));
		Object.defineProperty(top, name, {
			configurable: true,
			get: () => (allowed(facts) ? then : (held ||= found()) ? stub : undefined),
			set: (value) => Object.defineProperty(top, name, { value, configurable: true, enumerable: true, writable: true }),
		});
	};
	// The snippet itself must find the name of its function free, and the array that waits for it.
	for (const name in guard.stubs) standIn(name, '(', guard.stubs[name], (...args) => void calls.push([name, args]), undefined);
	for (const name in guard.queues) {
		const queue = [];
		standIn(name, '.push', guard.queues[name], queue, queue);
	}
	const replay = () => {
		for (const [name, args] of calls.splice(0)) {
			const { value } = Object.getOwnPropertyDescriptor(top, name) || {};
			if (value) quietly(() => value(...args));
			else calls.push([name, args]);
		}
	};

	// What is held.

	/** Closed shadow roots by their hosts. @type {WeakMap<any, any>} */
	const shadows = new WeakMap();
	wrap(Element.prototype, 'attachShadow', (native) => ({
		f() {
			const root = apply(native, this, arguments);
			shadows.set(this, root);
			return root;
		},
	}).f);
	/** Every neutralised element in document order, those in shadow roots and same-origin frames included. */
	const held = (root) => {
		const found = [];
		for (const node of root.querySelectorAll('*')) {
			if (node.hasAttribute(HELD)) found.push(node);
			const inside = shadows.get(node) || node.shadowRoot;
			if (inside) found.push(...held(inside));
			if (/^(iframe|frame|object)$/.test(node.localName)) found.push(...(quietly(() => held(node.contentDocument)) || []));
		}
		return found;
	};
	const allowedNow = (node) => allowed([node.getAttribute(HELD), node.getAttribute(HELD + '-vendor')]);

	// Scripts.

	/** @type {WeakSet<any>} */
	const revived = new WeakSet();
	const ended = (node) =>
		new Promise((done) => ['load', 'error'].forEach((type) => node.addEventListener(type, done, { once: true })));

	const isExternal = (node) => ['src', 'href', 'xlink-href'].some((name) => node.hasAttribute(`${HELD}-${name}`));
	/** Inline scripts that failed for want of a library that is held: held, too, and run again behind it. @type {WeakSet<any>} */
	const failed = new WeakSet();
	addEventListener('error', (event) => {
		const node = /** @type {any} */ (document.currentScript);
		if (!node || node.src || !/is not defined|of undefined \(/.test(event.message)) return;
		const before = [...document.querySelectorAll(`script[${HELD}]`)].filter((each) => isExternal(each) && each.compareDocumentPosition(node) & 4);
		const library = before.pop();
		if (!library) return;
		event.preventDefault();
		failed.add(node);
		mark(node, [library.getAttribute(HELD), library.getAttribute(HELD + '-vendor')]);
	});
	/** A script that has run once does not run again; its copy does. */
	const again = (node) => {
		const copy = document.createElement('script');
		for (const { name, value } of node.attributes) copy.setAttribute(name, value);
		copy.nonce = node.nonce;
		copy.text = node.text;
		revived.add(copy);
		node.replaceWith(copy);
	};

	/** A revived script may expect a page that is still loading: late listeners are called, late writes follow it. */
	const asIfLoading = async (run) => {
		const late = () => revived.has(document.currentScript) && document.readyState !== 'loading';
		const past = (type) => type === 'DOMContentLoaded' || (type === 'load' && document.readyState === 'complete');
		const call = (target, type, listener) =>
			setTimeout(() => (listener.handleEvent ? listener.handleEvent(new Event(type)) : listener.call(target, new Event(type))));
		const listen = (target, native) => (type, listener, ...more) =>
			late() && listener && past(type) ? void call(target, type, listener) : native.call(target, type, listener, ...more);
		const write = (target, native) => (...html) => {
			if (!late()) return native.apply(target, html);
			const range = document.createRange();
			range.setStartAfter(/** @type {any} */ (document.currentScript));
			range.insertNode(range.createContextualFragment(html.join('')));
		};
		/** @type {[any, string, any][]} */
		const covers = [[window, 'addEventListener', listen], [document, 'addEventListener', listen], [document, 'write', write], [document, 'writeln', write]];
		const stands = covers.map(([target, name, make]) => {
			const value = make(target, target[name]);
			Object.defineProperty(target, name, { value, configurable: true, writable: true });
			return value;
		});
		const { onload } = window;
		await run();
		if (window.onload !== onload && window.onload && document.readyState === 'complete') call(window, 'load', window.onload);
		covers.forEach(([target, name], i) => target[name] === stands[i] && delete target[name]);
	};

	/** The page's own order: one by one what the parser would wait for, then what it would defer. */
	const runScripts = async (scripts) => {
		const parsed = (node) => !ours.has(node);
		const start = (node) => {
			const external = isExternal(node);
			revived.add(node);
			if (parsed(node) && !node.hasAttribute('async')) node.async = false;
			const end = external && ended(node);
			release(node);
			if (failed.has(node)) return void quietly(() => again(node));
			// An inline script that was passed over is looked at again when its content changes.
			if (!external) node.append('');
			return end;
		};
		const waits = (node) =>
			parsed(node) && (node.getAttribute(HELD + '-type') === 'module' ? !node.hasAttribute('async') : isExternal(node) && node.hasAttribute('defer') && !node.hasAttribute('async'));
		for (const node of scripts.filter((each) => !waits(each))) {
			const end = start(node);
			if (end && parsed(node) && !node.hasAttribute('async')) await end;
		}
		await Promise.all(scripts.filter(waits).map(start));
	};

	const revive = async () => {
		const due = held(document).filter(allowedNow);
		for (const node of due.filter((each) => each.localName !== 'script')) {
			guard.unveil(node);
			release(node);
		}
		const scripts = due.filter((each) => each.localName === 'script');
		if (scripts.length) await asIfLoading(() => runScripts(scripts));
		replay();
	};

	// What is stored.

	/** Keys that were written without `setItem`, and those of an earlier visit. */
	const clearKeys = () => {
		for (const name of ['localStorage', 'sessionStorage'])
			quietly(() => Object.keys(top[name]).forEach((key) => tracked(key) && top[name].removeItem(key)));
	};
	/** Each script-readable cookie on each host and path that it may have been set for. */
	const clearCookies = () => {
		const labels = location.hostname.split('.');
		const hosts = ['', ...labels.map((_, i) => '; domain=' + labels.slice(i).join('.'))];
		const parts = location.pathname.split('/').slice(1);
		const paths = new Set(['/', ...parts.flatMap((_, i) => ['/' + parts.slice(0, i + 1).join('/'), '/' + parts.slice(0, i).join('/') + '/'])]);
		for (const pair of document.cookie.split('; ')) {
			const name = pair.split('=', 1)[0];
			if (!cookie(name)) continue;
			for (const host of hosts) for (const path of paths) document.cookie = `${name}=; max-age=0; path=${path}${host}`;
		}
	};
	const clearDatabases = async () => {
		try {
			for (const { name } of await indexedDB.databases()) if (tracked(name)) indexedDB.deleteDatabase(/** @type {string} */ (name));
			for (const name of await caches.keys()) if (tracked(name)) await caches.delete(name);
		} catch {
			// Not offered here (an insecure page): nothing is kept there.
		}
	};
	const clear = () => {
		clearKeys();
		clearCookies();
		return clearDatabases();
	};

	// Our own elements: nobody but us hears what the visitor does there, neither to record his choice nor to send the
	// form in our place. The browser's own doing (a form is sent, a box is ticked) is left to it.

	/** @type {((event: Event) => void)[]} */
	guard.heard = [];
	guard.fetch = top.fetch;
	const HEARD = 'click auxclick submit input change keydown keyup keypress pointerdown pointerup mousedown mouseup touchstart touchend focusin focusout';
	for (const type of HEARD.split(' '))
		addEventListener(type, (event) => {
			if (!(event.target instanceof Element) || !event.target.closest('#samtykke-root,.samtykke-placeholder')) return;
			event.stopImmediatePropagation();
			guard.heard.forEach((each) => quietly(() => each(event)));
		}, { capture: true, passive: !/submit|click/.test(type) });

	// A choice, made here or in another tab.

	/** @type {BroadcastChannel | null} */
	let channel = null;
	const listen = () => {
		if (channel || !top.BroadcastChannel) return;
		channel = new BroadcastChannel('samtykke');
		channel.onmessage = ({ data }) => (data ? change(data, false) : recheck());
	};
	/** @type {((state: any) => void)[]} */
	const listeners = [];
	const tell = () => {
		const detail = { purposes: [...state.purposes], vendors: { ...state.vendors } };
		listeners.forEach((each) => quietly(() => each(detail)));
		document.dispatchEvent(new CustomEvent('samtykke:change', { detail }));
	};
	let chosen = -Infinity;
	/** Why requests of running code were refused: that code has given up, and only a new page starts it again. @type {any[]} */
	const given = [];
	guard.note = (rule, kind) => {
		if (rule && kind === 'connect') given.push(rule);
		return rule;
	};
	let typed = false;
	addEventListener('input', () => (typed = true), true);
	/** Not where the visitor would lose what he typed, nor where the choice is not remembered. */
	const startsAgain = () => {
		const remembered = guard.mirror();
		return !typed && state.purposes[0] && state.purposes.every((each) => remembered.includes(each)) && given.some((rule) => allowed(rule));
	};
	const change = async ({ purposes = [], vendors = {} }, here) => {
		const before = { ...state };
		if (Array.isArray(vendors)) vendors = Object.fromEntries(vendors.map((each) => (Array.isArray(each) ? each : [each, true])));
		state.purposes = ['preferences', 'statistics', 'marketing'].filter((each) => purposes.includes(/** @type {never} */ (each)));
		state.vendors = { ...vendors };
		if (here && channel) channel.postMessage({ purposes: state.purposes, vendors: state.vendors });
		signal('update');
		guard.spread();
		const lost =
			before.purposes.some((each) => !state.purposes.includes(each)) ||
			Object.keys(before.vendors).some((id) => before.vendors[id] && !state.vendors[id]) ||
			Object.keys(state.vendors).some((id) => !state.vendors[id] && before.vendors[id] !== false && before.purposes[0]);
		if (lost) {
			await clear();
			tell();
			location.reload();
			return;
		}
		if (here && startsAgain()) {
			tell();
			location.reload();
			return;
		}
		chosen = performance.now();
		await revive();
		tell();
	};
	guard.activate = (choice) => change(choice || {}, true);

	top.samtykke = {
		granted: (purpose) => allowed([purpose]),
		onChange: (listener) => void listeners.push(listener),
		open() {
			const button = document.getElementById('samtykke-reopen') || document.getElementById('samtykke-settings');
			if (button) button.click();
			else location.assign('/.samtykke/preferences');
		},
		activate: guard.activate,
	};

	// A loaded page's CSP cannot be loosened: where it refuses what was just agreed to, the next page's will not.
	document.addEventListener('securitypolicyviolation', (event) => {
		if (event.disposition !== 'enforce' || performance.now() - chosen > 5000) return;
		const rule = guard.find(event.blockedURI, 'image');
		if (rule && allowed(rule)) location.reload();
	});
	const remembers = () => document.cookie.includes('samtykke_purposes=');
	/** This page and the choice that the browser remembers: another tab or a form without scripts may have changed it. */
	const compare = () => {
		const purposes = guard.mirror();
		if (state.purposes.some((each) => !purposes.includes(each))) location.reload();
		else if (purposes.length > state.purposes.length) change({ purposes, vendors: state.vendors }, false);
	};
	const recheck = () => remembers() && compare();
	addEventListener('pagehide', () => {
		clearKeys();
		if (channel) channel.close();
		channel = null;
	});
	addEventListener('pageshow', (event) => {
		listen();
		if (event.persisted) compare();
	});
	document.addEventListener('visibilitychange', () => document.hidden || recheck());
	// A navigation without loading (Turbo) puts in another body, fetched without a banner: ours moves along.
	/** @type {any} */
	let banner = null;
	new MutationObserver(() => {
		banner ||= document.getElementById('samtykke-root');
		if (!banner || banner.isConnected || !document.body) return;
		document.querySelectorAll('#samtykke-root').forEach((copy) => copy.remove());
		document.body.append(banner);
	}).observe(document.documentElement, { childList: true });
	// A page that all visitors share says nothing of this one: what he answered, vendor by vendor too, is asked for.
	const ask = async () => {
		const answer = await apply(guard.fetch, top, ['/.samtykke/preferences?part=answers']);
		if (!answer.ok) return;
		Object.assign(state, await answer.json());
		signal('update');
		if (document.readyState !== 'loading') await revive();
		tell();
	};
	/** When the browser has nothing better to do: to open storage, or to ask for cookies, halts the page. */
	const idle = (job) => (top.requestIdleCallback ? requestIdleCallback(job, { timeout: 200 }) : setTimeout(job));
	const loaded = () => {
		banner = document.getElementById('samtykke-root');
		document.querySelectorAll(`[${HELD}]`).forEach(guard.veil);
		idle(() => {
			clearKeys();
			clearDatabases();
			// What was left when he chose elsewhere: without scripts, or more names than one answer can expire.
			if (!remembers()) return;
			clearCookies();
			if (channel) channel.postMessage(0);
		});
		if (state.purposes[0] || Object.values(state.vendors).includes(true)) revive();
	};
	listen();
	if (!guard.script.dataset.state && remembers()) ask().catch(guard.nothing);
	if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', loaded, { once: true });
	else loaded();
	addEventListener('load', () => [0, 1000, 5000].forEach((wait) => setTimeout(() => idle(clearKeys), wait)));
	if (top === top.parent) quietly(() => signal('default', state.purposes[0] ? {} : { wait_for_update: 500 }));
})();
