//! Reads what people select: kinds, names, ids, properties and paths.

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::engine::schema;
use crate::engine::scope::{Exclusion, Scope};
use crate::format::path::address_of;
use crate::kinds;
use crate::model::Kind;

/// Selection of objects and properties.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selectors")]
pub struct Selectors {
    /// Only this kind, as in `group`; may be repeated.
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only the object with this id; may be repeated.
    #[arg(long = "id", value_name = "ID")]
    pub ids: Vec<String>,
    /// Only objects whose name fits this pattern (`*` stands for anything); may be repeated.
    #[arg(long = "name", value_name = "PATTERN")]
    pub names: Vec<String>,
    /// Only the object in this file of the repository; may be repeated.
    #[arg(long = "path", value_name = "PATH")]
    pub paths: Vec<String>,
    /// Only this property or link, as in `members`; may be repeated.
    #[arg(long = "property", value_name = "NAME")]
    pub properties: Vec<String>,
    /// Leave this out, whatever else takes it in: a kind (`user`), a property or link of a kind (`group.members`), an id, a
    /// path, or a pattern over names, of a kind or of all (`group:Sales*`, `Sales*`); may be repeated.
    #[arg(long, value_name = "WHAT")]
    pub exclude: Vec<String>,
}

/// Returns the scope that selectors describe. A path stands for the kind and id it names.
///
/// # Errors
/// If a kind, a property, a path or an exclusion names nothing.
pub fn scope(selectors: &Selectors) -> Result<Scope> {
    let mut scope = Scope {
        kinds: kinds_of(&selectors.kinds)?.into_iter().map(|kind| kind.name).collect(),
        ids: selectors.ids.clone(),
        names: selectors.names.clone(),
        properties: selectors.properties.clone(),
        exclude: selectors.exclude.iter().map(|word| exclusion(word)).collect::<Result<_>>()?,
    };
    for word in &selectors.properties {
        let known: Vec<&str> = kinds::ALL
            .iter()
            .filter(|kind| scope.takes_kind(kind))
            .filter_map(|kind| schema::of(kind).document.get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        if !known.contains(&word.as_str()) {
            let near =
                known.iter().min_by_key(|name| strsim::damerau_levenshtein(&name.to_lowercase(), &word.to_lowercase()));
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            bail!("--property {word}: no kind in question has such a property or link{hint}");
        }
    }
    for path in &selectors.paths {
        match address_of(path.strip_prefix("./").unwrap_or(path)) {
            Ok((kind, id)) => {
                if !scope.kinds.contains(&kind.name) {
                    scope.kinds.push(kind.name);
                }
                scope.ids.push(id);
            }
            Err(reason) => bail!("--path {path}: {reason}"),
        }
    }
    Ok(scope)
}

/// Parses one value of `--exclude`; a pattern that looks like something else is an error, since it would leave out nothing.
pub fn exclusion(word: &str) -> Result<Exclusion> {
    if let Ok((kind, id)) = address_of(word.strip_prefix("./").unwrap_or(word)) {
        return Ok(if kind.is_singleton() { Exclusion::Kind(kind.name) } else { Exclusion::Id(id) });
    }
    if let (Exclusion::Name(_), Some((kind, property))) = (Exclusion::parse(word), word.split_once('.'))
        && kinds::by_word(kind).is_some()
        && !property.contains([' ', '*'])
    {
        bail!("--exclude {word}: {kind} has no property or link `{property}`");
    }
    Ok(Exclusion::parse(word))
}

/// Returns the kinds that people mean by their words.
///
/// # Errors
/// If a word names no kind.
pub fn kinds_of(words: &[String]) -> Result<Vec<&'static Kind>> {
    words
        .iter()
        .map(|word| kinds::by_word(word).ok_or_else(|| anyhow!("{}", kinds::unknown_kind_message(word))))
        .collect()
}
