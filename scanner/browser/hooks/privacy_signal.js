// Global Privacy Control as the specification wants it: a read-only attribute of navigator.
const owner = self.Navigator ? Navigator.prototype : self.WorkerNavigator && WorkerNavigator.prototype;
if (owner) defineProperty(owner, 'globalPrivacyControl', {get: () => true, enumerable: true, configurable: true});
