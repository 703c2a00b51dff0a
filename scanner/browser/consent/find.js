// Find the consent banner of this document and its buttons; `want` (accept, reject, settings, save) chooses one, which
// stays in `globalThis.chosen` of our own world until it is pressed; `switches` lists the banner's switches with what
// they are for, and `globalThis.turn` turns one. Answers null where no banner is seen.
((tools, words, about, want, purposes) => {
  const closed = new Map([...globalThis.closedRoots ?? []].map((root) => [root.host, root]));
  const rootOf = (node) => node.shadowRoot ?? closed.get(node);
  const roots = [document];
  for (let at = 0; at < roots.length; at++) {
    for (const node of roots[at].querySelectorAll('*')) if (rootOf(node)) roots.push(rootOf(node));
  }
  const shown = (node) => {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.display !== 'none'
      && +style.opacity > 0.05;
  };
  const inside = (node, selector) => {
    const found = [...node.querySelectorAll(selector)];
    const deeper = [...(rootOf(node) ? [node] : []), ...node.querySelectorAll('*')].filter(rootOf);
    return deeper.reduce((all, one) => all.concat(inside(rootOf(one), selector)), found);
  };
  const visible = (node) => shown(node) || inside(node, '*').some(shown);
  const label = (node) => (node.innerText || node.value || node.getAttribute('aria-label') || node.title || '')
    .replace(/\s+/g, ' ').trim();
  const plain = (text) => text.normalize('NFC').toLowerCase().replace(/[\u2018\u2019`\u00b4]/g, "'")
    .replace(/[^\p{L}\p{N}' ]+/gu, ' ').replace(/\s+/g, ' ').trim();
  // Longest phrase wins; the whole text beats everything; on a tie a refusal is a refusal.
  const kindOf = (node) => {
    const text = plain(label(node));
    let best = {kind: null, score: 0};
    if (!text || text.length > 80) return best;
    for (const kind of ['reject', 'save', 'settings', 'accept']) for (const phrase of words[kind]) {
      if (!` ${text} `.includes(` ${phrase} `)) continue;
      const score = phrase.length + (text === phrase ? 1000 : 0);
      if (score > best.score) best = {kind, score};
    }
    return best;
  };
  const CLICKABLE = 'button, [role=button], input[type=submit], input[type=button], a, summary, [onclick]';
  const looksPressable = (node) => /^(button|input)$/i.test(node.tagName) || node.getAttribute('role') === 'button'
    || getComputedStyle(node).cursor === 'pointer' && getComputedStyle(node).backgroundColor !== 'rgba(0, 0, 0, 0)';
  const leavesPage = (node) => {
    const link = node.closest('a[href]');
    return !!link && /^https?:/.test(link.href) && link.href.split('#')[0] !== location.href.split('#')[0];
  };
  const buttonsOf = (banner) => inside(banner, CLICKABLE).filter((node) => shown(node) && label(node))
    .filter((node, at, all) => !all.some((other) => other !== node && other.contains(node)))
    .map((node) => ({node, text: label(node).slice(0, 80), leaves: leavesPage(node), ...kindOf(node)}));
  const speaks = new RegExp(about, 'i');

  const knownTool = () => {
    for (const tool of tools) for (const root of roots) {
      const banner = [...root.querySelectorAll(tool.banner)].find(visible);
      if (banner) return {tool, banner, root};
    }
    return null;
  };
  const unknownBanner = () => {
    let spare = null;
    for (const root of roots) for (const node of root.querySelectorAll(
      'div, section, aside, form, dialog, footer, header, [role=dialog], [role=alertdialog], [role=region]')) {
      const stays = ['fixed', 'sticky'].includes(getComputedStyle(node).position)
        || node.matches('dialog[open], [role=dialog], [role=alertdialog]')
        || /cookie|consent|samtykke|gdpr|personvern|privacy/i.test(`${node.id} ${node.className}`);
      if (!stays || !shown(node)) continue;
      const text = node.innerText || '';
      if (text.length > 6000 || !speaks.test(text)) continue;
      const buttons = buttonsOf(node).filter((button) => !button.leaves);
      if (buttons.some((button) => button.kind)) return node;
      if (!spare && buttons.length) spare = node;
    }
    if (self !== top && document.body) {
      const text = document.body.innerText || '';
      const pressable = buttonsOf(document.body).filter((button) => ['accept', 'reject'].includes(button.kind));
      if (text.length < 6000 && speaks.test(text) && pressable.length) return document.body;
    }
    return spare;
  };

  // A label's purpose is the one whose word comes first in it; what is written nearest to the switch decides.
  const purposeOf = (text) => {
    let first = {at: Infinity, purpose: null};
    for (const [purpose, stems] of Object.entries(purposes)) for (const stem of stems) {
      const at = ` ${text} `.indexOf(purpose === 'all' ? ` ${stem} ` : ` ${stem}`);
      if (at >= 0 && at < first.at) first = {at, purpose};
    }
    return first.purpose;
  };
  const named = (node) => {
    const by = (node.getAttribute('aria-labelledby') ?? '').split(/\s+/)
      .map((id) => id && node.getRootNode().getElementById(id)?.textContent).filter(Boolean).join(' ');
    const own = [node.getAttribute('aria-label'), by, ...[...node.labels ?? []].map((one) => one.textContent),
      node.value === 'on' ? '' : node.value, node.name, node.id].filter(Boolean);
    const near = [];
    for (let at = node.parentElement, steps = 0; at && steps < 5; at = at.parentElement, steps++) {
      const text = (at.innerText ?? '').trim();
      if (text.length > 400) break;
      if (text && at.querySelectorAll(SWITCH).length === 1) near.push(text);
    }
    const texts = [...own, ...near].map((text) => text.replace(/\s+/g, ' ').trim()).filter(Boolean);
    const telling = texts.find((text) => purposeOf(plain(text.slice(0, 120))));
    return {label: (telling ?? near[0] ?? own[0] ?? '').slice(0, 80), purpose: purposeOf(plain((telling ?? '').slice(0, 120)))};
  };
  const SWITCH = 'input[type=checkbox], [role=switch], [role=checkbox], button[aria-pressed]';
  const switchesOf = (known, banner) => {
    const layers = known ? roots.flatMap((root) => [...root.querySelectorAll(known.tool.banner)]).filter(visible)
      : [banner, ...roots.flatMap((root) => [...root.querySelectorAll('dialog[open], [role=dialog], [aria-modal=true]')])
        .filter(visible)];
    const near = (node) => [node, ...node.labels ?? [], node.parentElement].some((one) => one && shown(one));
    const told = Object.entries(known?.tool.switches ?? {}).flatMap(([purpose, selector]) =>
      roots.flatMap((root) => [...root.querySelectorAll(selector)]).map((node) => [node, purpose]));
    const found = new Map(told);
    for (const layer of layers) for (const node of inside(layer, SWITCH)) {
      if (!found.has(node) && near(node)) found.set(node, null);
    }
    const all = [...found.keys()], pair = known?.tool.pair;
    const paired = (node) => pair && found.get(node) && node.querySelector(pair.on);
    const isOn = (node) => paired(node) ? (node.matches(pair.allowed) ? true : node.matches(pair.denied) ? false : null)
      : node.checked ?? (node.getAttribute('aria-checked') ?? node.getAttribute('aria-pressed')) === 'true';
    globalThis.turn = (at, on) => (paired(all[at]) ? all[at].querySelector(on ? pair.on : pair.off) : all[at]).click();
    return [...found].map(([node, purpose]) => ({...named(node), ...(purpose && {purpose}), on: isOn(node),
      fixed: !!node.disabled || node.getAttribute('aria-disabled') === 'true'}));
  };

  const known = knownTool(), banner = known ? known.banner : unknownBanner();
  if (!banner) return null;
  const buttons = buttonsOf(banner);
  const answer = {tool: known ? known.tool.name : null, buttons: buttons.map(({text}) => text).slice(0, 20),
    area: banner.getBoundingClientRect().width * banner.getBoundingClientRect().height, chosen: null};
  if (!want) return answer;
  if (want === 'switches') return {...answer, switches: switchesOf(known, banner)};
  let chosen = null;
  if (known) for (const selector of known.tool[want] ?? []) {
    chosen = chosen ?? roots.flatMap((root) => [...root.querySelectorAll(selector)]).find(shown);
  }
  if (!chosen) {
    const fitting = buttons.filter(({kind, leaves}) => kind === want && !leaves)
      .sort((one, other) => looksPressable(other.node) - looksPressable(one.node) || other.score - one.score);
    chosen = fitting[0]?.node;
  }
  if (!chosen) return answer;
  globalThis.chosen = chosen;
  chosen.scrollIntoView({block: 'nearest', behavior: 'instant'});
  const box = chosen.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  let hit = document.elementFromPoint(x, y);
  while (hit && rootOf(hit)?.elementFromPoint(x, y) && rootOf(hit).elementFromPoint(x, y) !== hit) {
    hit = rootOf(hit).elementFromPoint(x, y);
  }
  return {...answer, chosen: label(chosen).slice(0, 80), x, y, hit: !!hit && (chosen === hit || chosen.contains(hit))};
})
