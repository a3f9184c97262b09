//! Deployments by `deploy-host` itself.

use crate::machine::{Machine, NEW};

#[test]
fn a_good_release_stays() {
    let machine = Machine::new();
    machine.begin(None);
    let end = machine.watch();
    machine.settle();
    assert_eq!(end["state"], "committed", "{end}\n{}", machine.read("journal"));
    assert_eq!([machine.current(), machine.default()], [NEW, NEW]);
    assert_eq!(machine.read("boot-loader").trim(), NEW);
    assert!(machine.left().is_empty());
}
