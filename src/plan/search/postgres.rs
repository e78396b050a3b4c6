//! The terms of tsqueries, and how well a vector fits by Okapi BM25, as FTS5 reckons it.
//!
//! The words travel as one parameter, so that the text of the statement is the same for any words. A lexeme's weight is how often it is
//! there (`storage/search/postgres.rs`), which `ts_rank` gives back as a sum over all operands of a query, divided by their number.

use serde::Serialize;

use super::{Asked, Found, NEIGHBOURS_MAX, misspelt, neighbours};
use crate::model::Column;
use crate::model::columns::system;
use crate::sql::Sql;
use crate::storage::search::postgres::{lexeme, near, type_lexeme};
use crate::value::words::Word;

/// Rows counted of those that have a word; with more it is as common as it can be.
const COUNTED_MAX: usize = 10_000;
/// Rows counted of those that have a word that may be meant.
const NEIGHBOUR_COUNTED_MAX: usize = 1_000;
/// Rows whose lengths count for that of all: the youngest.
const MEASURED_MAX: usize = 200;

/// A word as it is looked for; queries as text.
#[derive(Serialize)]
struct Term {
    /// The whole word; empty if it has several tokens.
    whole: String,
    /// What begins with it.
    beginning: String,
    /// What is reckoned with for that: `ts_rank` reckons otherwise with tokens that follow each other.
    weighed: String,
    /// What begins with it in any column.
    anywhere: String,
    tokens: usize,
    /// If it may be misspelt, what it shares with the words that may be meant.
    near: Option<String>,
    /// What those look like.
    pattern: Option<String>,
}

/// Nodes with these words in these columns. Nodes themselves are looked at only if `needs_nodes`.
pub(super) fn found(asked: &Asked<'_>, columns: &[(usize, &Column)], words: &[Word], needs_nodes: bool) -> Found {
    let all: Vec<usize> = (0..asked.model.search().columns.len()).collect();
    let columns: Vec<usize> = columns.iter().map(|(number, _)| *number).collect();
    let mut conditions = Vec::new();
    if columns.is_empty() || asked.types.is_empty() {
        conditions.push(Sql::new("false"));
    }
    let terms: Vec<Term> = words.iter().map(|word| Term::new(word, &columns, &all)).collect();
    let mut rows = Sql::new("(with ");
    write_terms(&mut rows, &terms, &columns, &all);
    write_weights(&mut rows, asked);
    write_ranked(&mut rows);
    rows.push(") s");
    let mut id = Sql::new("s.");
    id.ident(system::ID);
    if needs_nodes {
        let node = asked.node;
        rows.push(" join node ").append(node.sql()).push(" on ").append(node.column(system::ID)).push(" = ");
        rows.append(id.clone());
    }
    let mut order = Sql::new("s.score desc, ");
    order.append(id.clone());
    Found { rows, id, score: Sql::new("s.score"), order, conditions }
}

impl Term {
    fn new(tokens: &Word, columns: &[usize], all: &[usize]) -> Self {
        let query = |columns: &[usize], between: &str, after: &str| {
            let in_column = |column: &usize| {
                let lexemes: Vec<_> = tokens.iter().map(|token| lexeme(*column, token)).collect();
                ["(", &lexemes.join(between), after, ")"].concat()
            };
            columns.iter().map(in_column).collect::<Vec<_>>().join(" | ")
        };
        let characters: Vec<char> = tokens.iter().flat_map(|token| token.chars()).collect();
        let is_alone = tokens.len() == 1;
        let is_misspelt = is_alone && misspelt(&characters).is_some();
        Self {
            whole: if is_alone { query(columns, "", "") } else { String::new() },
            beginning: query(columns, " <-> ", ":*"),
            weighed: query(columns, " | ", ":*"),
            anywhere: query(all, " <-> ", ":*"),
            tokens: tokens.len(),
            near: is_misspelt.then(|| near(&characters)),
            pattern: is_misspelt.then(|| neighbours(&characters)),
        }
    }
}

/// `term`: the words, how many rows have them, and which others are meant by those that no row has.
fn write_terms(sql: &mut Sql, terms: &[Term], columns: &[usize], all: &[usize]) {
    let given = serde_json::to_string(terms).unwrap_or_default();
    sql.push("given as materialized (select whole::tsquery as whole, beginning::tsquery as beginning, weighed::tsquery as weighed, ");
    sql.push("anywhere::tsquery as anywhere, tokens, near, pattern from json_to_recordset(").bind(given);
    sql.push("::json) as g (whole text, beginning text, weighed text, anywhere text, tokens integer, near text, pattern text)), ");
    sql.push("counted as materialized (select given.*, ").append(count("given.whole")).push(" as wholes, ");
    sql.append(count("given.beginning"));
    sql.push(" as beginnings from given), term as materialized (select counted.*, case when beginnings = 0 and ");
    sql.append(count("counted.anywhere")).push(" = 0 then ").append(meant(columns, all));
    sql.push(" end as meant from counted), ");
}

/// How many rows have it.
fn count(query: &'static str) -> Sql {
    let mut sql = Sql::new("(select count(*) from (select 1 from clef_search where words @@ ");
    sql.push(query).push(" limit ").number(COUNTED_MAX).push(") found)");
    sql
}

/// The words that one is taken for, those that most rows have; null if there are none.
fn meant(columns: &[usize], all: &[usize]) -> Sql {
    // The mark is in no word.
    let template =
        |columns: &[usize]| columns.iter().map(|column| lexeme(*column, "@")).collect::<Vec<_>>().join(" | ");
    let mut sql = Sql::new("(select string_agg(replace(");
    sql.bind(template(columns)).push(", '@', word), ' | ')::tsquery from (select word from (select distinct word ");
    sql.push("from clef_search_word known where known.near && string_to_array(counted.near, ' ') and word ~ counted.pattern) known ");
    sql.push("order by (select count(*) from (select 1 from clef_search where words @@ replace(").bind(template(all));
    sql.push(", '@', word)::tsquery limit ").number(NEIGHBOUR_COUNTED_MAX).push(") found) desc, word limit ");
    sql.number(NEIGHBOURS_MAX).push(") kept)");
    sql
}

/// `query`: all words together; `weight`: what each counts for, the less the more rows have it.
fn write_weights(sql: &mut Sql, asked: &Asked<'_>) {
    sql.push(
        "query as materialized (select string_agg('(' || coalesce(meant, beginning)::text || ')', ' & ')::tsquery",
    );
    if asked.types.len() < asked.model.search().types.len() {
        let types = asked.types.iter().map(|id| type_lexeme(&asked.model.node_type(*id).name));
        sql.push(" && ").bind(types.collect::<Vec<_>>().join(" | ")).push("::tsquery");
    }
    sql.push(" as query from term), figure as materialized (select (select avg(length(words)) from (select words from clef_search ");
    sql.push("order by id desc limit ").number(MEASURED_MAX).push(") measured)::double precision as average, ");
    sql.push("greatest((select max(id) from clef_search), 1)::double precision as nodes), ");
    // A query of n operands has 2n - 1 nodes; `ts_rank` divides by n and by π² / 6, and its weights are quarters.
    sql.push("weight as materialized (select whole, wholes, (numnode(whole) + 1) * 3.2898681337::double precision as whole_factor, ");
    sql.push("greatest(ln((greatest(nodes - wholes, 0) + 0.5) / (wholes + 0.5)), 1e-6) as whole_rarity, ");
    sql.push("part, beginnings, (numnode(part) + 1) * 3.2898681337::double precision / tokens as part_factor, ");
    sql.push("greatest(ln((greatest(nodes - beginnings, 0) + 0.5) / (beginnings + 0.5)), 1e-6) as part_rarity ");
    sql.push("from figure, (select term.*, coalesce(meant, weighed) as part from term) term) ");
}

/// BM25 with FTS5's constants, 1.2 and 0.75. A whole word counts beside its beginning where there are longer ones, and so comes before them.
/// The weights are those of the classes D, C, B and A: `ts_rank` adds 1 / n² of a quarter for the n-th position, of the class D.
fn write_ranked(sql: &mut Sql) {
    sql.push("select s.id as ").ident(system::ID);
    sql.push(", (select sum(whole_rarity * whole_count * 2.2 / (whole_count + size) + part_rarity * part_count * 2.2 / (part_count + size)) ");
    sql.push("from (select whole_rarity, part_rarity, (length(s.words) / average * 0.75 + 0.25) * 1.2 as size, case when wholes > 0 ");
    sql.push(
        "then ts_rank('{0.25, 0.4375, 0.6597, 0.8941}', s.words, whole) * whole_factor else 0 end as whole_count, ",
    );
    sql.push("case when wholes = 0 or beginnings > wholes ");
    sql.push("then ts_rank('{0.25, 0.4375, 0.6597, 0.8941}', s.words, part) * part_factor else 0 end as part_count ");
    // The offset keeps the ranks from being reckoned twice.
    sql.push("from weight offset 0) counts) as score from query, figure, clef_search s where s.words @@ query.query");
}
