//! SQL text under construction: syntax, identifiers, literals and parameters kept apart. Knows no table.

use std::fmt::Write as _;
use std::sync::Arc;

/// A statement, or a part of one: text with a `?` for each parameter, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sql {
    text: String,
    parameters: Vec<Parameter>,
    rows: Option<Box<Rows>>,
}

/// How the rows of a statement become JSON: each an object, its columns the members.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Names of the members, in the order of the columns. Nothing in them needs an escape in JSON.
    pub members: Arc<[Box<str>]>,
    /// Whether the answer is a list of all rows, or the first alone.
    pub is_list: bool,
}

/// The database that a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.51 or later.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

/// Room, in bytes, that most parts never outgrow.
const CAPACITY: usize = 128;

/// A value that travels beside the text of a statement, never in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// SQL NULL.
    Null,
    /// Whole number; booleans are 0 and 1.
    Integer(i64),
    /// Floating point number.
    Real(f64),
    /// Text.
    Text(String),
}

impl Sql {
    /// A part that starts with `syntax`.
    pub fn new(syntax: &'static str) -> Self {
        let mut text = String::with_capacity(CAPACITY);
        text.push_str(syntax);
        Self { text, parameters: Vec::new(), rows: None }
    }

    /// Keywords, operators and names that are part of this program.
    pub fn push(&mut self, syntax: &'static str) -> &mut Self {
        self.text.push_str(syntax);
        self
    }

    /// A name, quoted.
    pub fn ident(&mut self, name: &str) -> &mut Self {
        self.quoted(name, '"')
    }

    /// A text constant that belongs to the statement's shape, such as a key of a JSON object. Values of clients are parameters.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.quoted(text, '\'')
    }

    /// A whole number that belongs to the statement's shape, such as the number of a table alias.
    pub fn number(&mut self, number: usize) -> &mut Self {
        // Writing into a string does not fail.
        let _ = write!(self.text, "{number}");
        self
    }

    /// A parameter.
    pub fn bind(&mut self, value: impl Into<Parameter>) -> &mut Self {
        self.text.push('?');
        self.parameters.push(value.into());
        self
    }

    /// The same text for another value of its only parameter.
    #[must_use]
    pub fn with_only_parameter(&self, value: impl Into<Parameter>) -> Self {
        Self { text: self.text.clone(), parameters: vec![value.into()], rows: self.rows.clone() }
    }

    /// A statement whose rows are made JSON by whoever fetches them. Without this, the database does: one row, one column.
    #[must_use]
    pub fn answering(mut self, rows: Rows) -> Self {
        self.rows = Some(Box::new(rows));
        self
    }

    /// How its rows become JSON, if the database does not do it.
    pub fn rows(&self) -> Option<&Rows> {
        self.rows.as_deref()
    }

    /// Another part, with its parameters.
    pub fn append(&mut self, part: Sql) -> &mut Self {
        if self.text.is_empty() {
            *self = part;
            return self;
        }
        self.text.push_str(&part.text);
        self.parameters.extend(part.parameters);
        self
    }

    /// Parts with `separator` between them.
    pub fn join(&mut self, separator: &'static str, parts: impl IntoIterator<Item = Sql>) -> &mut Self {
        for (position, part) in parts.into_iter().enumerate() {
            if position > 0 {
                self.push(separator);
            }
            self.append(part);
        }
        self
    }

    /// Parameters with a comma between them, in parentheses.
    pub fn bind_list(&mut self, values: impl IntoIterator<Item = Parameter>) -> &mut Self {
        self.push("(");
        for (position, value) in values.into_iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(")")
    }

    /// Text constants with a comma between them, in parentheses.
    pub fn literal_list<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.push("(");
        for (position, text) in texts.into_iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            self.literal(text);
        }
        self.push(")")
    }

    /// The text, `?` for each parameter.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parameters, in the order of their `?`.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Text and parameters.
    pub fn into_parts(self) -> (String, Vec<Parameter>) {
        (self.text, self.parameters)
    }

    fn quoted(&mut self, text: &str, quote: char) -> &mut Self {
        self.text.reserve(text.len() + 2);
        self.text.push(quote);
        for (position, part) in text.split(quote).enumerate() {
            if position > 0 {
                self.text.push(quote);
                self.text.push(quote);
            }
            self.text.push_str(part);
        }
        self.text.push(quote);
        self
    }
}

impl From<i64> for Parameter {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Parameter {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<String> for Parameter {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Parameter {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameter, Sql};

    #[test]
    fn a_quote_in_a_name_or_constant_is_doubled() {
        let mut sql = Sql::new("select ");
        sql.literal("it's").push(" as ").ident("a\"b");
        assert_eq!(sql.text(), r#"select 'it''s' as "a""b""#);
    }

    #[test]
    fn parameters_keep_the_order_of_their_marks() {
        let mut inner = Sql::new("b = ");
        inner.bind(2.5);
        let mut sql = Sql::new("a = ");
        sql.bind(1).push(" and ").append(inner).push(" and c in ").bind_list(["x".into(), Parameter::Null]);
        assert_eq!(sql.text(), "a = ? and b = ? and c in (?, ?)");
        assert_eq!(sql.parameters(), [Parameter::Integer(1), Parameter::Real(2.5), "x".into(), Parameter::Null]);
    }
}
