/**
 * Bring back what the visitor has now agreed to, and take back what he no longer does.
 *
 * Loaded with `defer` after `guard.js`, whose rules and state it uses. Scripts return in document order, once, in
 * place (frameworks that hold the element keep it), with async, defer and module kept; frames, images and style
 * sheets return at once. Withdrawal clears what is stored, then reloads: a script that has run cannot be unrun.
 */
(function () {
	'use strict';
	/** @type {any} */
	const top = window;
	const guard = top[Symbol.for('samtykke.guard')];
	if (!guard || guard.activate) return;
	const { state, allowed, release } = guard;

	const allowedNow = (/** @type {Element} */ node) =>
		allowed([node.getAttribute('data-samtykke'), node.getAttribute('data-samtykke-vendor')]);

	/** Every neutralised element in document order, those in shadow roots and same-origin frames included. */
	const held = (/** @type {any} */ root) => {
		/** @type {any[]} */
		const found = [];
		for (const node of root.querySelectorAll('*')) {
			if (node.hasAttribute('data-samtykke')) found.push(node);
			const inside = guard.shadows.get(node) || node.shadowRoot;
			if (inside) found.push(...held(inside));
			try {
				if (/^(iframe|frame|object)$/.test(node.localName) && node.contentDocument) found.push(...held(node.contentDocument));
			} catch {
				// Another origin's frame: its own page asks there.
			}
		}
		return found;
	};

	/** @type {WeakSet<any>} */
	const revived = new WeakSet();
	const finished = (/** @type {HTMLScriptElement} */ node) =>
		new Promise((done) => ['load', 'error'].forEach((type) => node.addEventListener(type, done, { once: true })));

	/** A script that runs after the page has loaded and expects otherwise: late listeners and document.write. */
	const whileLate = async (/** @type {() => Promise<void>} */ run) => {
		const mine = () => revived.has(document.currentScript);
		const called = (/** @type {any} */ target, /** @type {string} */ type, /** @type {any} */ listener) =>
			setTimeout(() => {
				const event = new Event(type);
				typeof listener === 'function' ? listener.call(target, event) : listener.handleEvent(event);
			});
		const past = (/** @type {string} */ type) => (type === 'load' ? document.readyState === 'complete' : /^(DOMContentLoaded|readystatechange)$/.test(type) && document.readyState !== 'loading');
		/** @type {[any, string][]} */
		const covered = [[window, 'addEventListener'], [document, 'addEventListener'], [document, 'write'], [document, 'writeln']];
		const stands = covered.map(([target, name]) => {
			const native = target[name];
			const stand = function (/** @type {any[]} */ ...args) {
				if (name === 'addEventListener') {
					if (mine() && args[1] && past(args[0])) return void called(target, args[0], args[1]);
				} else if (mine() && document.readyState !== 'loading') {
					const range = document.createRange();
					range.setStartAfter(/** @type {any} */ (document.currentScript));
					return range.insertNode(range.createContextualFragment(args.join('')));
				}
				return native.apply(target, args);
			};
			Object.defineProperty(target, name, { value: stand, configurable: true, writable: true });
			return stand;
		});
		const onload = window.onload;
		await run();
		if (window.onload !== onload && document.readyState === 'complete') called(window, 'load', window.onload);
		covered.forEach(([target, name], i) => target[name] === stands[i] && delete target[name]);
	};

	const runScripts = async (/** @type {any[]} */ scripts) => {
		/** @type {any[]} */
		const deferred = [];
		const start = (/** @type {any} */ node) => {
			const parsed = !guard.ours.has(node);
			revived.add(node);
			const external = ['src', 'href', 'xlink-href'].some((name) => node.hasAttribute('data-samtykke-' + name));
			if (parsed && !node.hasAttribute('async')) node.async = false;
			const ended = external && finished(node);
			release(node);
			if (!external) node.append('');
			return ended;
		};
		for (const node of scripts) {
			const type = node.getAttribute('data-samtykke-type') || '';
			const external = node.hasAttribute('data-samtykke-src');
			const parsed = !guard.ours.has(node);
			if (parsed && (type === 'module' || (external && node.hasAttribute('defer')))) {
				deferred.push(node);
				continue;
			}
			const ended = start(node);
			if (ended && parsed && !node.hasAttribute('async')) await ended;
		}
		deferred.forEach(start);
	};

	/** Return everything that is held and now allowed. */
	const revive = async () => {
		const due = held(document).filter(allowedNow);
		for (const node of due) {
			if (node.localName === 'script') continue;
			unveil(node);
			release(node);
		}
		const scripts = due.filter((node) => node.localName === 'script');
		if (scripts.length) await whileLate(() => runScripts(scripts));
		guard.replay();
	};
	const unveil = (/** @type {any} */ node) => {
		const placeholder = node.previousElementSibling;
		if (!placeholder || !placeholder.matches('.samtykke-placeholder')) return;
		placeholder.remove();
		node.hidden = false;
	};

	/** Remove keys, databases, caches and readable cookies of what is not (any longer) allowed. */
	const clear = () => {
		for (const name of ['localStorage', 'sessionStorage'])
			try {
				for (const key of Object.keys(top[name])) if (guard.named(guard.KEYS, key)) top[name].removeItem(key);
			} catch {
				// Storage is switched off: nothing is kept there.
			}
	};
	const clearDeep = async () => {
		clear();
		const hosts = location.hostname.split('.');
		const domains = ['', ...hosts.map((_, i) => '; domain=' + hosts.slice(i).join('.'))];
		const parts = location.pathname.split('/');
		const paths = new Set(parts.flatMap((_, i) => [parts.slice(0, i).join('/') + '/', parts.slice(0, i + 1).join('/') || '/']));
		for (const pair of document.cookie.split('; ')) {
			const name = pair.split('=', 1)[0];
			if (guard.named(guard.COOKIES, name))
				for (const domain of domains) for (const path of paths) document.cookie = `${name}=; max-age=0; path=${path}${domain}`;
		}
		try {
			for (const { name } of await indexedDB.databases()) if (guard.named(guard.KEYS, name)) indexedDB.deleteDatabase(/** @type {string} */ (name));
			for (const name of await caches.keys()) if (guard.named(guard.KEYS, name)) await caches.delete(name);
		} catch {
			// Not offered here (an insecure page): nothing is kept there.
		}
	};

	/** @type {BroadcastChannel | null} */
	let channel = null;
	const listen = () => {
		if (!channel && top.BroadcastChannel) {
			channel = new BroadcastChannel('samtykke');
			channel.onmessage = ({ data }) => change(data, false);
		}
	};

	let chosen = 0;
	const change = async (/** @type {any} */ choice, /** @type {boolean} */ here) => {
		const purposes = new Set(guard.words((choice.purposes || []).join(' ')));
		/** @type {Record<string, boolean>} */
		const vendors = Array.isArray(choice.vendors) ? Object.fromEntries(choice.vendors.map((/** @type {any} */ each) => [each].flat().concat(true).slice(0, 2))) : { ...choice.vendors };
		const lost =
			[...state.purposes].some((purpose) => !purposes.has(purpose)) ||
			Object.keys(state.vendors).some((id) => state.vendors[id] && !vendors[id]) ||
			Object.keys(vendors).some((id) => !vendors[id] && state.vendors[id] !== false && state.purposes.size > 0);
		state.purposes.clear();
		purposes.forEach((purpose) => state.purposes.add(purpose));
		for (const id of Object.keys(state.vendors)) delete state.vendors[id];
		Object.assign(state.vendors, vendors);
		if (here && channel) channel.postMessage({ purposes: [...purposes], vendors });
		guard.signal('update');
		if (lost) {
			await clearDeep();
			guard.tell();
			location.reload();
			return;
		}
		chosen = Date.now();
		await revive();
		guard.tell();
	};
	guard.activate = (/** @type {any} */ choice) => change(choice || {}, true);

	// A loaded page's CSP cannot be loosened: where it refuses what was just agreed to, the next page's will not.
	document.addEventListener('securitypolicyviolation', (event) => {
		if (event.disposition !== 'enforce' || Date.now() - chosen > 5000) return;
		const rule = guard.find(event.blockedURI, 'image');
		if (rule && allowed(rule)) location.reload();
	});
	addEventListener('pagehide', () => {
		clear();
		if (channel) channel.close();
		channel = null;
	});
	addEventListener('pageshow', (event) => {
		listen();
		if (!event.persisted) return;
		const now = guard.words(guard.mirror());
		if ([...state.purposes].some((purpose) => !now.includes(purpose))) location.reload();
		else if (now.length > state.purposes.size) change({ purposes: now, vendors: state.vendors }, false);
	});
	document.addEventListener('click', (event) => {
		const button = event.target instanceof Element && event.target.closest('[data-samtykke-load]');
		const placeholder = button && button.closest('.samtykke-placeholder');
		const node = /** @type {any} */ (placeholder && placeholder.nextElementSibling);
		if (!node || !node.hasAttribute('data-samtykke')) return;
		event.preventDefault();
		unveil(node);
		release(node);
		node.focus();
	});

	listen();
	clear();
	addEventListener('load', () => [0, 1000, 5000].forEach((wait) => setTimeout(clear, wait)));
	if (guard.waiting) guard.activate(guard.waiting);
	else if (state.purposes.size || Object.keys(state.vendors).length) revive();
})();
