//! Parses `$filter`, and checks it against the metadata. <https://learn.microsoft.com/graph/filter-query-parameter>

mod check;

use super::error::Fault;

/// Represents a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Both conditions hold.
    And(Box<Expr>, Box<Expr>),
    /// One of the conditions holds.
    Or(Box<Expr>, Box<Expr>),
    /// The condition does not hold.
    Not(Box<Expr>),
    /// Comparison: `path op literal`
    Compare(Vec<String>, Op, Literal),
    /// Membership: `path in (…)`
    In(Vec<String>, Vec<Literal>),
    /// Text function: `startswith(path, 'text')` and its like.
    Call(Func, Vec<String>, String),
    /// Lambda: `path/any(variable:condition)`; without a condition: not empty.
    Any(Vec<String>, String, Option<Box<Expr>>),
    /// Type test: `isof('microsoft.graph.ipNamedLocation')`
    IsOf(String),
}

/// Represents a comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

/// Represents a text function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Func {
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
    /// `contains`
    Contains,
}

/// Represents a constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// `'text'`
    Text(String),
    /// Any other unquoted constant: a date, a GUID.
    Bare(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

/// Parses a filter.
pub fn parse(text: &str) -> Result<Expr, Fault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, source: text };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.fault()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut out = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let char = chars[at];
        at += 1;
        match char {
            ' ' | '\t' => {}
            '(' => out.push(Token::Open),
            ')' => out.push(Token::Close),
            ',' => out.push(Token::Comma),
            ':' => out.push(Token::Colon),
            '\'' => {
                let mut value = String::new();
                loop {
                    match (chars.get(at), chars.get(at + 1)) {
                        (Some('\''), Some('\'')) => {
                            value.push('\'');
                            at += 2;
                        }
                        (Some('\''), _) => break,
                        (Some(other), _) => {
                            value.push(*other);
                            at += 1;
                        }
                        (None, _) => {
                            return Err(Fault::odata(format!(
                                "There is an unterminated string literal at position {} in '{text}'.",
                                at
                            )));
                        }
                    }
                }
                at += 1;
                out.push(Token::Text(value));
            }
            _ => {
                let start = at - 1;
                // A colon belongs to a time of day, but ends the variable of a lambda.
                let dated = chars[start].is_ascii_digit();
                while at < chars.len() && (!" \t(),':".contains(chars[at]) || (dated && chars[at] == ':')) {
                    at += 1;
                }
                out.push(Token::Word(chars[start..at].iter().collect()));
            }
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    source: &'a str,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn fault(&self) -> Fault {
        Fault::odata(format!("Invalid filter clause: Syntax error at position {} in '{}'.", self.at, self.source))
    }

    fn eat(&mut self, token: &Token) -> Result<(), Fault> {
        match self.next() {
            Some(found) if found == *token => Ok(()),
            _ => Err(self.fault()),
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expr, Fault> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Fault> {
        let mut left = self.unary()?;
        while self.keyword("and") {
            left = Expr::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        if self.keyword("not") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.next();
            let inner = self.or()?;
            self.eat(&Token::Close)?;
            return Ok(inner);
        }
        let Some(Token::Word(word)) = self.next() else { return Err(self.fault()) };
        match (word.to_ascii_lowercase().as_str(), self.peek()) {
            ("startswith", Some(Token::Open)) => self.call(Func::StartsWith),
            ("endswith", Some(Token::Open)) => self.call(Func::EndsWith),
            ("contains", Some(Token::Open)) => self.call(Func::Contains),
            ("isof", Some(Token::Open)) => self.is_of(),
            (_, Some(Token::Open)) => self.lambda(&word),
            _ => self.comparison(path(&word)),
        }
    }

    fn call(&mut self, func: Func) -> Result<Expr, Fault> {
        self.eat(&Token::Open)?;
        let Some(Token::Word(word)) = self.next() else { return Err(self.fault()) };
        self.eat(&Token::Comma)?;
        let Some(Token::Text(text)) = self.next() else { return Err(self.fault()) };
        self.eat(&Token::Close)?;
        let call = Expr::Call(func, path(&word), text);
        // `startswith(x,'y') eq true` is an old form of the same condition.
        if self.keyword("eq") {
            return match self.literal()? {
                Literal::Bool(true) => Ok(call),
                Literal::Bool(false) => Ok(Expr::Not(Box::new(call))),
                _ => Err(self.fault()),
            };
        }
        Ok(call)
    }

    fn is_of(&mut self) -> Result<Expr, Fault> {
        self.eat(&Token::Open)?;
        let Some(Token::Text(name) | Token::Word(name)) = self.next() else { return Err(self.fault()) };
        self.eat(&Token::Close)?;
        Ok(Expr::IsOf(name))
    }

    fn lambda(&mut self, word: &str) -> Result<Expr, Fault> {
        let (list, name) = word.rsplit_once('/').ok_or_else(|| self.fault())?;
        if !name.eq_ignore_ascii_case("any") {
            return Err(Fault::unsupported(format!(
                "Unsupported or invalid query filter clause specified for property '{list}'."
            )));
        }
        self.eat(&Token::Open)?;
        if self.peek() == Some(&Token::Close) {
            self.next();
            return Ok(Expr::Any(path(list), String::new(), None));
        }
        let Some(Token::Word(variable)) = self.next() else { return Err(self.fault()) };
        self.eat(&Token::Colon)?;
        let inner = self.or()?;
        self.eat(&Token::Close)?;
        Ok(Expr::Any(path(list), variable, Some(Box::new(inner))))
    }

    fn comparison(&mut self, path: Vec<String>) -> Result<Expr, Fault> {
        let Some(Token::Word(word)) = self.next() else {
            // A bare Boolean property is not a condition in Graph.
            return Err(self.fault());
        };
        let op = match word.to_ascii_lowercase().as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "gt" => Op::Gt,
            "ge" => Op::Ge,
            "lt" => Op::Lt,
            "le" => Op::Le,
            "in" => {
                self.eat(&Token::Open)?;
                let mut values = vec![self.literal()?];
                while self.peek() == Some(&Token::Comma) {
                    self.next();
                    values.push(self.literal()?);
                }
                self.eat(&Token::Close)?;
                return Ok(Expr::In(path, values));
            }
            _ => return Err(self.fault()),
        };
        Ok(Expr::Compare(path, op, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, Fault> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => Ok(match word.as_str() {
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => word.parse().map_or_else(|_| Literal::Bare(word.clone()), Literal::Number),
            }),
            _ => Err(self.fault()),
        }
    }
}

fn path(word: &str) -> Vec<String> {
    word.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        assert!(
            matches!(parse("a eq 'x' and not(b in ('1','2'))"), Ok(Expr::And(_, right)) if matches!(*right, Expr::Not(_)))
        );
        assert!(matches!(parse("t/any(x:x/id eq '1')"), Ok(Expr::Any(_, variable, Some(_))) if variable == "x"));
        assert!(matches!(
            parse("d ge 2024-01-01T00:00:00Z"),
            Ok(Expr::Compare(_, Op::Ge, Literal::Bare(date))) if date == "2024-01-01T00:00:00Z"
        ));
        assert!(parse("a eq").is_err() && parse("a eq 'x' b").is_err() && parse("a eq 'x").is_err());
    }
}
