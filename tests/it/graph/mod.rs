//! The client of Graph: signing in, and recoveries over a service that lags, refuses and leaves things out.

mod client;
mod faults;
mod hidden;
mod left_out;
mod recoveries;
mod signing_in;
