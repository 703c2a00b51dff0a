// A closed shadow root hides what is in it from every script but its maker's: say that there is one.
let told = false;
wrap(self.Element && Element.prototype, 'attachShadow', {after(element, [options]) {
  if (told || options?.mode !== 'closed') return;
  told = true;
  tell('closed-root', {});
}});
