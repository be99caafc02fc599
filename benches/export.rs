//! How fast an export is.

fn main() {}
