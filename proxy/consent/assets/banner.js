/* Makes the consent form smooth: no reload on a choice, settings in a dialog, a polite confirmation.
   Nothing depends on it: without it the same form is posted and the same pages answer. */
(() => {
	'use strict';
	const root = document.getElementById('samtykke-root');
	if (!root) return;
	const find = (id) => document.getElementById('samtykke-' + id);
	const here = () => encodeURIComponent(location.pathname + location.search);
	const asked = (part) => '/.samtykke/preferences?part=' + part + '&lang=' + root.lang + '&return=' + here();
	const decided = () => /(?:^|; )samtykke_purposes=/.test(document.cookie);
	/* Loaded before any script of the page's: events on our elements are ours alone, and its fetch is the browser's. */
	const guard = window[Symbol.for('samtykke.guard')] || {};
	const fetch = (guard.fetch || window.fetch).bind(window);
	let timer;
	let trusted;

	const say = (text) => {
		find('status').textContent = text;
		clearTimeout(timer);
		timer = setTimeout(() => { find('status').textContent = ''; }, 8000);
	};

	const put = (into, html) => {
		trusted ||= window.trustedTypes
			? trustedTypes.createPolicy('samtykke-banner', { createHTML: (text) => text })
			: { createHTML: (text) => text };
		into.insertAdjacentHTML('afterbegin', trusted.createHTML(html));
	};

	const fetched = async (part) => {
		const answer = await fetch(asked(part), { credentials: 'same-origin' });
		if (!answer.ok) throw new Error(answer.status);
		return answer.text();
	};

	const dismiss = () => {
		const banner = find('banner');
		const dialog = find('dialog');
		const inside = root.contains(document.activeElement);
		if (dialog) dialog.close();
		if (banner) banner.remove();
		if (inside) find('reopen').focus({ preventScroll: true });
	};

	/* Post the form as it stands. Whatever we cannot handle is posted again plainly: the server then explains itself. */
	const choose = async (form, button) => {
		const fields = new URLSearchParams(new FormData(form));
		if (button && button.name) fields.append(button.name, button.value);
		let answer;
		try {
			const response = await fetch('/.samtykke/choice', {
				method: 'POST', body: fields, credentials: 'same-origin', headers: { Accept: 'application/json' },
			});
			answer = await response.json();
			if (!answer.action) throw new Error(answer.error);
		} catch {
			/* Later: while the first submission's event is still on its way, a browser ignores a second one. */
			form.dataset.plain = '';
			return setTimeout(() => button ? button.click() : HTMLFormElement.prototype.submit.call(form));
		}
		dismiss();
		say(answer.message);
		document.dispatchEvent(new CustomEvent('samtykke:change', { detail: answer }));
		/* The guard brings back what is allowed now and clears what is not; without it a new page does. */
		const granted = Object.keys(answer.purposes).filter((purpose) => answer.purposes[purpose]);
		const { activate } = guard.activate ? guard : window.samtykke || guard;
		if (activate) await activate({ purposes: granted, vendors: answer.answers });
		else if (answer.granted) answer.reload = true;
		if (answer.reload) location.reload();
	};

	const open = async (fallback) => {
		let dialog = find('dialog');
		try {
			const html = await fetched('settings');
			if (dialog) dialog.remove();
			dialog = document.createElement('dialog');
			dialog.id = 'samtykke-dialog';
			dialog.className = 's-dialog';
			dialog.setAttribute('aria-labelledby', 'samtykke-settings-title');
			put(dialog, html);
			root.append(dialog);
			dialog.showModal();
			find('settings-title').focus();
		} catch {
			location.assign(fallback);
		}
	};

	const submitted = (event) => {
		const form = event.target;
		const { notice } = form.elements;
		if (!form.matches('form[data-samtykke-choice]') || 'plain' in form.dataset || !notice) return;
		/* A placeholder's form has no token of its own: what is told is the banner beside it. */
		const shown = find('banner') && find('banner').querySelector('[name="notice"]');
		if (!notice.value && shown) notice.value = shown.value;
		if (!notice.value) return;
		event.preventDefault();
		choose(form, event.submitter);
	};

	const clicked = (event) => {
		const { target } = event;
		if (target === find('dialog')) return target.close();
		if (!target.closest || !target.closest('#samtykke-settings,#samtykke-reopen')) return;
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		open('/.samtykke/preferences?lang=' + root.lang + '&return=' + here());
	};

	const heard = (event) => {
		if (event.type === 'submit') submitted(event);
		if (event.type === 'click') clicked(event);
	};
	if (guard.heard) guard.heard.push(heard);
	else for (const type of ['submit', 'click']) document.addEventListener(type, heard);

	/* Another tab has chosen meanwhile, or the browser brought an old page back. */
	const recheck = () => {
		if (find('banner') && decided()) dismiss();
	};
	addEventListener('pageshow', (event) => { if (event.persisted) recheck(); });
	document.addEventListener('visibilitychange', () => { if (!document.hidden) recheck(); });

	if (find('status').textContent) say(find('status').textContent);
	if (root.dataset.fetch && !decided()) fetched('banner').then((html) => put(root, html), () => {});
})();
