//! The full-text index of PostgreSQL: for each node a tsvector, for each word the texts that misspelt ones are found by.
//!
//! A lexeme is the number of a searched column, a colon and a word; or `t`, a colon and the node's type. Vectors are written out here:
//! `to_tsvector` would cut words in its own way, and drops letters that the locale does not know. The weight of a lexeme's first position
//! counts how often the word is in the text (D once, A four times or more), so that `ts_rank` gives that number back.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::DbErr;

use super::Filled;
use crate::model::Model;
use crate::model::columns::system;
use crate::sql::Sql;
use crate::storage::schema::Schema;
use crate::storage::write::Part;
use crate::value::words;

/// The part of a write that adds words.
pub const WORDS: &str = "words";
/// Characters of a word that is kept for misspelt ones.
const KEPT_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=41;
/// Longest lexeme, in bytes; PostgreSQL takes 2,046. Words of text are cut off there, and so are those that are looked for.
const LEXEME_BYTES_MAX: usize = 2_000;
/// Longest vector, in bytes as PostgreSQL stores it; it takes 1,048,575. Words after that are not found.
const VECTOR_BYTES_MAX: usize = 1_000_000;
/// Highest position of a word; PostgreSQL takes 16,383.
const POSITION_MAX: usize = 16_000;
/// Positions of one lexeme; PostgreSQL takes 255.
const POSITIONS_MAX: usize = 250;
/// Weights of a lexeme that is there once, twice, three times, and oftener.
const WEIGHTS: [&str; 4] = ["", "C", "B", "A"];
/// Kilobytes of new entries that wait to be sorted in; every search reads them.
const INDEXES: &str = "
create index clef_search_words on clef_search using gin (words) with (gin_pending_list_limit = 256);
create index clef_search_word_word on clef_search_word (word);
create index clef_search_word_near on clef_search_word using gin (near) with (gin_pending_list_limit = 256);
analyze clef_search;
analyze clef_search_word;
";

/// A word in a column, quoted for vectors and queries. Words consist of letters, marks and digits.
pub fn lexeme(column: usize, word: &str) -> String {
    format!("'{column}:{}'", word.get(..word.floor_char_boundary(LEXEME_BYTES_MAX)).unwrap_or_default())
}

/// The type of a node, quoted in the same way.
pub fn type_lexeme(ty: &str) -> String {
    format!("'t:{ty}'")
}

/// A tsvector as text, from numbers of columns and folded texts.
pub(in crate::storage) fn vector<'a>(ty: &str, texts: impl IntoIterator<Item = (usize, &'a str)>) -> String {
    let mut vector = type_lexeme(ty);
    let mut bytes = vector.len();
    for (column, text) in texts {
        let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, word) in text.split(' ').enumerate() {
            found.entry(word).or_default().push(position + 1);
        }
        for (word, positions) in found {
            let lexeme = lexeme(column, word);
            bytes += lexeme.len() + 4 + 2 * positions.len().min(POSITIONS_MAX);
            if bytes > VECTOR_BYTES_MAX {
                return vector;
            }
            vector.push(' ');
            vector.push_str(&lexeme);
            write_positions(&mut vector, word, &positions);
        }
    }
    vector
}

/// Positions matter to words without blanks between them only. Where there are too many, none are kept: any position fits then.
fn write_positions(vector: &mut String, word: &str, positions: &[usize]) {
    let is_cut = positions.len() > POSITIONS_MAX || positions.last().is_some_and(|last| *last > POSITION_MAX);
    if is_cut && words::is_unspaced(word) {
        return;
    }
    let weight = WEIGHTS.get(positions.len() - 1).copied().unwrap_or("A");
    for (number, position) in positions.iter().take(POSITIONS_MAX).enumerate() {
        vector.push(if number == 0 { ':' } else { ',' });
        vector.push_str(&position.min(&POSITION_MAX).to_string());
        if number == 0 {
            vector.push_str(weight);
        }
    }
}

/// Words that misspelt ones may be taken for, with a blank between them.
fn kept_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let words: BTreeSet<_> = texts.into_iter().flat_map(|text| text.split(' ')).collect();
    let kept = words.into_iter().filter(|word| KEPT_CHARACTERS.contains(&word.chars().count()));
    kept.collect::<Vec<_>>().join(" ")
}

/// Drops the index.
pub(super) async fn drop_index(schema: &Schema<'_>) -> Result<(), DbErr> {
    for statement in [
        "drop trigger if exists clef_search_delete on node",
        "drop function if exists clef_search_delete",
        "drop table if exists clef_search_word",
        "drop table if exists clef_search",
    ] {
        schema.run(Sql::new(statement)).await?;
    }
    Ok(())
}

/// Makes an empty index that is not sorted yet. The trigger lets nobody write to nodes until the transaction ends.
pub(super) async fn make_tables(schema: &Schema<'_>) -> Result<(), DbErr> {
    for statement in [
        "create function clef_search_delete() returns trigger language plpgsql as \
         'begin delete from clef_search where id = old.\"__id\"; return null; end'",
        "create trigger clef_search_delete after delete on node for each row execute function clef_search_delete()",
        "create table clef_search (id bigint primary key, words tsvector not null)",
        "create table clef_search_word (word text collate \"C\" not null, near text[] collate \"C\" not null)",
    ] {
        schema.run(Sql::new(statement)).await?;
    }
    Ok(())
}

/// Gathers the words and sorts everything in.
pub(super) async fn make_indexes(schema: &Schema<'_>) -> Result<(), DbErr> {
    let mut gather = Sql::new("insert into clef_search_word (word, near) select w, ");
    gather.push(NEAR).push(" from (select distinct substr(word, strpos(word, ':') + 1) as w from ts_stat('select words from clef_search') ");
    gather.push("where word not like 't:%') distinct_words where length(w) between ");
    gather.number(*KEPT_CHARACTERS.start()).push(" and ").number(*KEPT_CHARACTERS.end()).push(" order by w");
    schema.run(gather).await?;
    for statement in INDEXES.split_inclusive(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        schema.run(Sql::new(statement)).await?;
    }
    Ok(())
}

/// Of a word `w`: itself, and what is left of it without one of its characters after the first. Words that differ in one place share one.
const NEAR: &str = "array(select left(w, p - 1) || substr(w, p + 1) from generate_series(2, length(w)) p) || w";

/// What [`NEAR`] gives, with a blank between.
pub fn near(characters: &[char]) -> String {
    let without = |left_out: usize| -> String {
        characters.iter().enumerate().filter(|(position, _)| *position != left_out).map(|(_, it)| *it).collect()
    };
    let whole: String = characters.iter().collect();
    (1..characters.len()).map(without).chain([whole]).collect::<Vec<_>>().join(" ")
}

/// Rows of nodes that were there before.
pub(super) fn insert(rows: &[Filled]) -> Sql {
    let mut sql = Sql::new("insert into clef_search (id, words) values ");
    sql.join(
        ", ",
        rows.iter().map(|row| {
            let texts = row.texts.iter().enumerate();
            let vector = vector(&row.ty, texts.filter_map(|(column, text)| Some((column, text.as_deref()?))));
            let mut sql = Sql::new("(");
            sql.bind(row.id).push(", ").bind(vector).push("::tsvector)");
            sql
        }),
    );
    sql
}

/// The row of a node that was just inserted, and the words that are new; nothing without texts. They are named by columns of `node`.
/// `created` is what the insertion returns, if all of it is one statement.
pub fn inserted_row<'a>(
    model: &Model,
    ty: &str,
    texts: impl IntoIterator<Item = (&'a str, String)>,
    created: Option<&'static str>,
) -> Vec<Part> {
    let texts = numbered(model, texts.into_iter().map(|(column, text)| (column, Some(text))));
    if texts.is_empty() {
        return Vec::new();
    }
    let mut row = Sql::new("insert into clef_search (id, words) select ");
    match created {
        Some(created) => {
            row.ident(system::ID).push(", ").bind(vector(ty, present(&texts))).push("::tsvector from ").push(created)
        }
        None => row
            .push("currval(pg_get_serial_sequence('node', ")
            .literal(system::ID)
            .push(")), ")
            .bind(vector(ty, present(&texts)))
            .push("::tsvector"),
    };
    let words = new_words(present(&texts).map(|(_, text)| text)).map(|words| (Some(WORDS), words));
    std::iter::once((None, row)).chain(words).collect()
}

/// The row of the node that `this_node` names, with the texts that are not given as they are, and the words that are new; nothing if no
/// text is given.
pub fn changed_row<'a>(
    model: &Model,
    ty: &str,
    texts: impl IntoIterator<Item = (&'a str, Option<String>)>,
    this_node: &Sql,
) -> Vec<Sql> {
    let texts = numbered(model, texts);
    if texts.is_empty() {
        return Vec::new();
    }
    let mut row = Sql::new("insert into clef_search (id, words) select node.");
    row.ident(system::ID).push(", concat_ws(' ', ").bind(vector(ty, present(&texts)));
    // Positions stay as they are: the operator `||` would move them further with every change.
    row.push("::text, (select string_agg(concat('''', lexeme, '''', ':' || array_to_string(array(select concat(p, w) ");
    row.push("from unnest(positions, weights) z (p, w)), ',')), ' ') from unnest(s.words) where split_part(lexeme, ':', 1) not in ");
    let given = texts.iter().map(|(column, _)| column.to_string());
    let given: Vec<String> = given.chain(["t".to_owned()]).collect();
    row.literal_list(given.iter().map(String::as_str));
    row.push("))::tsvector from node left join clef_search s on s.id = node.").ident(system::ID);
    row.append(this_node.clone()).push(" on conflict (id) do update set words = excluded.words");
    std::iter::once(row).chain(new_words(present(&texts).map(|(_, text)| text))).collect()
}

/// Adds words that are not there yet; `None` if none is kept. Two writes may add the same one, which does no harm; with a unique index
/// each would wait for the other's end.
pub(in crate::storage) fn new_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Sql> {
    let words = kept_words(texts);
    if words.is_empty() {
        return None;
    }
    let mut sql = Sql::new("insert into clef_search_word (word, near) select w, ");
    sql.push(NEAR).push(" from unnest(string_to_array(").bind(words).push(", ' ')) w where ");
    // Not as `not exists`, which may become a join with all words.
    sql.push("(select true from clef_search_word known where known.word = w limit 1) is null");
    Some(sql)
}

type Texts = Vec<(usize, Option<String>)>;

/// With the number of each column among the searched ones.
fn numbered<'a>(model: &Model, texts: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Texts {
    let number = |name: &str| super::columns(model).position(|column| column.name == name);
    texts.into_iter().filter_map(|(column, text)| Some((number(column)?, text))).collect()
}

fn present(texts: &Texts) -> impl Iterator<Item = (usize, &str)> {
    texts.iter().filter_map(|(column, text)| Some((*column, text.as_deref()?)))
}

#[cfg(test)]
mod tests {
    use super::{kept_words, near, vector};

    #[test]
    fn a_vector_counts_words_and_keeps_their_places() {
        let texts = [(0, "no no and no"), (2, "交 响 曲 5"), (3, "a a a a a")];
        assert_eq!(
            vector("Score", texts),
            "'t:Score' '0:and':3 '0:no':1B,2,4 '2:5':4 '2:交':1 '2:响':2 '2:曲':3 '3:a':1A,2,3,4,5"
        );
        let long = "曲 ".repeat(300) + &"a ".repeat(300);
        let vector = vector("Score", [(0, long.trim_end())]);
        assert!(vector.contains("'0:曲'") && !vector.contains("'0:曲':"), "{vector}");
        assert!(vector.contains("'0:a':301A,302,") && !vector.contains(",551"), "{vector}");
    }

    #[test]
    fn a_vector_stays_below_what_the_database_takes() {
        let words: Vec<_> = (0..200_000).map(|number| format!("{number:x}")).collect();
        assert!(vector("Score", [(0, words.join(" ").as_str())]).len() < 2_500_000);
        assert!(vector("Score", [(0, "ä".repeat(5_000).as_str())]).len() < 2_100);
    }

    #[test]
    fn words_that_differ_in_one_place_share_a_part() {
        let parts = |word: &str| -> Vec<String> {
            near(&word.chars().collect::<Vec<_>>()).split(' ').map(str::to_owned).collect()
        };
        for (one, other) in [("mahler", "mahlr"), ("mahler", "mahlser"), ("mahler", "mahker"), ("mahler", "mhaler")] {
            assert!(parts(one).iter().any(|part| parts(other).contains(part)), "{one} {other}");
        }
        assert_eq!(kept_words(["a mahler ab abc", "mahler 5"]), "abc mahler");
    }
}
