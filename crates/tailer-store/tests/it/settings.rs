//! Settings: the first to set one decides.

use tailer_store::settings;

use crate::common::Bench;

#[test]
fn the_first_to_set_a_setting_decides() {
    let bench = Bench::new();
    assert_eq!(bench.tx(|tx| settings::get(tx, "signing key")), None);
    assert_eq!(bench.tx(|tx| settings::get_or_set(tx, "signing key", "k1")), "k1");
    assert_eq!(bench.tx(|tx| settings::get_or_set(tx, "signing key", "k2")), "k1");
    bench.tx(|tx| settings::set(tx, "signing key", "k3"));
    assert_eq!(bench.tx(|tx| settings::get(tx, "signing key")).as_deref(), Some("k3"));
}
