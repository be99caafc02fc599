mod emulator;

fn main() {}
