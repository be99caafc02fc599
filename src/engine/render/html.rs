//! One self-contained page, without scripts.

use std::fmt::Write as _;

use super::{field_line, safe, sign, summary, who};
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::{Report, What};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1b1f;\
background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #ccc}section{margin:1rem 0}\
h3{font-size:1rem;margin:.2rem 0}.id{color:#666;font:12px ui-monospace,monospace}ul{list-style:none;padding-left:1rem;\
margin:.2rem 0;font:13px/1.6 ui-monospace,monospace;overflow-wrap:anywhere}.a{color:#116329}.r{color:#a40e26}.c{color:#7d4e00}\
.who{color:#555}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#17181c}.a{color:#5fd38a}.r{color:#ff8589}\
.c{color:#e6b450}.id,.who{color:#aaa}}";

/// A difference report.
pub fn report(report: &Report, names: &Names) -> String {
    let mut out = String::new();
    let title = format!("{} → {}", escape(&report.before), escape(&report.after));
    let _ = writeln!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>Difference report: {title}</h1>\n<p>{}</p>",
        escape(&summary(report))
    );
    let mut group = "";
    for change in &report.changes {
        if change.address.kind != group {
            group = change.address.kind;
            let _ = writeln!(out, "<h2>{}</h2>", escape(kinds::by_name(group).map_or(group, |kind| kind.title)));
        }
        let (sign, word) = sign(&change.what);
        let _ = writeln!(
            out,
            "<section><h3 class=\"{}\">{sign} {}</h3><div class=\"id\">{word}, {} {}</div><ul>",
            class(sign),
            escape(&change.name),
            change.called,
            escape(&change.address.id)
        );
        if let What::Modified(fields) = &change.what {
            for field in fields {
                let (sign, text) = field_line(field, names);
                let _ = writeln!(out, "<li class=\"{}\">{sign} {}</li>", class(sign), escape(&text));
            }
        }
        for line in who(change, report.audited) {
            let _ = writeln!(out, "<li class=\"who\">{}</li>", escape(&line));
        }
        out.push_str("</ul></section>\n");
    }
    if !report.unknown.is_empty() {
        out.push_str("<h2>Not completely known, so nothing is said of what is missing</h2><ul>\n");
        for (what, before, after) in &report.unknown {
            let _ = writeln!(out, "<li>{}: {} → {}</li>", escape(what), before.word(), after.word());
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</body></html>\n");
    out
}

fn class(sign: &str) -> &'static str {
    match sign {
        "+" => "a",
        "-" => "r",
        _ => "c",
    }
}

/// Text for HTML, in an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    safe(text).chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}
