// A script that sends the page elsewhere goes on to its end: say when it starts to leave, and when it has run.
if (self.navigation && self.document) {
  const later = self.setTimeout;
  navigation.addEventListener('navigate', (event) => {
    if (event.hashChange || event.downloadRequest !== null) return;
    tell('leaving', {begins: true});
    apply(later, self, [() => tell('leaving', {begins: false}), 0]);
  });
}
