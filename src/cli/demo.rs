//! demo
use super::args;
use super::output::Output;
use anyhow::Result;
pub async fn demo(_d: args::Demo, _o: &Output) -> Result<u8> { Ok(0) }
