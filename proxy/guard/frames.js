/**
 * What stands in for a held frame with content (video, map, post): who would hear of the visitor, and buttons to load
 * this one, or to allow its vendor always. Nothing is asked of anybody else before the click.
 *
 * It is shown inside the held frame itself, which stays about:blank: its size, its place among what is read aloud and
 * tabbed to, and the page's own nodes stay as they are, so that frameworks find the markup that they expect. Where a
 * frame's document is closed to us (a sandbox, an object) it stands before the element, as the proxy writes it.
 * Its markup is the proxy's, in the page's language, asked of our own address when the first such frame shows.
 */
(function () {
	'use strict';
	/** @type {any} */
	const top = window;
	const guard = top[Symbol.for('samtykke.guard')];
	if (!guard || guard.unveil || guard.home !== top) return;
	const { apply, fetch, find, refused, release, quietly, later, script, trust, HELD } = guard;
	const PLACEHOLDER = '.samtykke-placeholder';
	const THEME = ['surface', 'ink', 'muted', 'line', 'tint', 'accent', 'on-accent', 'radius', 'font'];
	const { customElements, DOMParser } = top;

	/** A frame that nobody was meant to see (a pixel in a frame) needs nothing in its place. */
	const unseen = (frame) =>
		frame.hidden || ['width', 'height'].some((side) => /^\s*[01](px)?\s*$/.test(frame.getAttribute(side) || '')) ||
		/display:none|visibility:hidden/i.test((frame.getAttribute('style') || '').replace(/\s/g, ''));
	const before = (frame) => {
		const node = frame.previousElementSibling;
		return node && node.matches(PLACEHOLDER) ? node : null;
	};
	const explained = (frame) => before(frame) || quietly(() => frame.contentDocument.querySelector(PLACEHOLDER));
	/** A placeholder that the proxy wrote, or that we had to put before the frame, goes. */
	guard.unveil = (frame) => {
		const holder = before(frame);
		if (!holder) return;
		holder.remove();
		frame.hidden = false;
	};
	const load = (frame) => {
		guard.unveil(frame);
		release(frame, true);
		frame.focus();
	};

	guard.heard.push((event) => {
		const button = event.type === 'click' && event.target.closest('[data-samtykke-load]');
		const holder = button && button.closest(PLACEHOLDER);
		const frame = /** @type {any} */ (holder && holder.nextElementSibling);
		if (!frame || !frame.hasAttribute(HELD)) return;
		event.preventDefault();
		load(frame);
	});

	/** The proxy's markup by what it says. @type {Map<string, Promise<string>>} */
	const told = new Map();
	const tell = (query) => {
		if (!told.has(query))
			told.set(query, apply(fetch, top, ['/.samtykke/preferences?part=placeholder&' + query]).then((answer) => {
				if (!answer.ok) throw answer.status;
				return answer.text();
			}));
		return told.get(query);
	};

	/** Put the placeholder into the frame's own document; false where that is closed or not empty. */
	const inside = (frame, holder) => {
		const inner = frame.localName === 'iframe' && quietly(() => frame.contentDocument);
		if (!inner || inner.URL !== 'about:blank' || !inner.body) return false;
		if (inner.body.firstElementChild) return true;
		const { documentElement: root, body } = inner;
		root.lang = holder.lang;
		root.dir = holder.dir;
		inner.title = holder.getAttribute('aria-label');
		const style = getComputedStyle(document.documentElement);
		for (const name of THEME) {
			const value = style.getPropertyValue('--samtykke-' + name);
			if (value) root.style.setProperty('--samtykke-' + name, value);
		}
		body.style.margin = '0';
		holder.classList.add('s-inside');
		holder.querySelectorAll('link').forEach((link) => (link.nonce = script.nonce));
		body.append(inner.adoptNode(holder));
		const form = holder.querySelector('form');
		if (form) form.target = '_top';
		inner.addEventListener('click', ({ target }) => {
			if (target.closest('[data-samtykke-load]') && frame.hasAttribute(HELD)) load(frame);
		});
		// The banner's script sends it without a new page; not while this sending is still being told of.
		inner.addEventListener('submit', (event) => {
			const root = document.getElementById('samtykke-root');
			if (!root) return;
			event.preventDefault();
			form.hidden = true;
			root.append(form);
			later(() => form.requestSubmit());
		});
		return true;
	};

	const explain = async (frame) => {
		const address = frame.getAttribute(HELD + '-src') || frame.getAttribute(HELD + '-data');
		const rule = address && !explained(frame) && !unseen(frame) && refused(find(address, 'frame'));
		if (!rule) return;
		const url = new URL(address, document.baseURI);
		const kind = rule.length ? rule[3] : 'frame';
		if (!kind) return;
		const query = new URLSearchParams({
			kind, purpose: rule[0] || '', vendor: rule[1] || '', host: url.hostname, lang: document.documentElement.lang,
		});
		const html = await tell(query.toString());
		if (!frame.isConnected || !frame.hasAttribute(HELD) || explained(frame)) return;
		const holder = new DOMParser().parseFromString(trust(html, 'createHTML'), 'text/html').querySelector(PLACEHOLDER);
		if (!holder) return;
		const link = holder.querySelector('a');
		if (link) link.href = url.href;
		const back = holder.querySelector('[name="return"]');
		if (back) back.value = quietly(() => top.top.location.pathname + top.top.location.search) || '/';
		if (inside(frame, holder)) return;
		frame.before(holder);
		frame.hidden = true;
	};

	/** Frames that get their placeholder once they are seen to have a size. */
	const sizes = top.ResizeObserver && new ResizeObserver((entries) => {
		for (const entry of entries) {
			if (entry.contentRect.width < 2 || entry.contentRect.height < 2) continue;
			sizes.unobserve(entry.target);
			later(() => explain(entry.target).catch(() => told.clear()));
		}
	});
	/** @type {WeakSet<any>} */
	const watched = new WeakSet();
	/** A frame that is moved about loses its document, and what we put into it. */
	const watch = (frame) => {
		if (watched.has(frame)) return;
		watched.add(frame);
		frame.addEventListener('load', () => guard.veil(frame));
	};
	/** Told of every held frame that enters the page. */
	guard.veil = (frame) => {
		if (!sizes || !/^(iframe|object|embed)$/.test(frame.localName) || !frame.hasAttribute(HELD)) return;
		sizes.unobserve(frame);
		sizes.observe(frame);
		watch(frame);
	};

	// A placeholder that the proxy wrote into the page moves into its frame before any script sees either.

	const Marker = function () {
		return Reflect.construct(HTMLElement, [], Marker);
	};
	Marker.prototype = Object.create(HTMLElement.prototype);
	Marker.prototype.connectedCallback = function () {
		const holder = this.parentNode;
		const parent = holder && holder.parentNode;
		if (!parent || !holder.matches(PLACEHOLDER)) return;
		const move = () => {
			const frame = /** @type {any} */ (holder.nextElementSibling);
			if (!frame) return;
			arrival.disconnect();
			if (!frame.hasAttribute(HELD) || !inside(frame, holder)) return;
			frame.hidden = false;
			watch(frame);
		};
		const arrival = new MutationObserver(move);
		arrival.observe(parent, { childList: true });
		move();
	};
	quietly(() => customElements.define('samtykke-held', Marker));
})();
