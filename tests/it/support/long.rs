//! The long form of tests. What everybody runs is a sample that comes by every branch; the long form tries everything.

/// Tells whether the long form runs: with `ENTRAGIT_LONG=1`, and with `ENTRAGIT_LAWS`, which says how many cases laws are
/// held against and goes further still.
pub(crate) fn is_long_run() -> bool {
    let long = std::env::var_os("ENTRAGIT_LONG").is_some_and(|value| !value.is_empty() && value != "0");
    long || std::env::var_os("ENTRAGIT_LAWS").is_some()
}

/// Returns how many cases a law is held against: `sample`, or `all` in the long form, or as many as `ENTRAGIT_LAWS` says.
pub(crate) fn cases(sample: u32, all: u32) -> u32 {
    let said = std::env::var("ENTRAGIT_LAWS").ok().and_then(|text| text.parse().ok());
    said.unwrap_or(if is_long_run() { all } else { sample })
}
