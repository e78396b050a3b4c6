//! A graph of musical data, the same for the same number of nodes, written straight into a database that Clef has made.
//!
//! One node in six is a Person, two are a `MusicComposition`, three a `MediaObject`. What a query of the benchmark meets does not depend on
//! the size: a form stands in the same share of names, and nodes have as many relations.

use std::path::Path;

use clef::model::{Model, StorageType};
use clef::sql::{Parameter, Sql};
use clef::storage::{OpenError, RemovedPolicy, Settings, Storage};
use clef::value::DateTime;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

/// Forms that stand in the names of compositions, each in one of 25.
pub const FORMS: [&str; 25] = [
    "Sonata",
    "Symphony",
    "Concerto",
    "Nocturne",
    "Waltz",
    "Mazurka",
    "Prelude",
    "Fugue",
    "Etude",
    "Ballade",
    "Scherzo",
    "Impromptu",
    "Rondo",
    "Quartet",
    "Quintet",
    "Trio",
    "Suite",
    "Overture",
    "Fantasia",
    "Rhapsody",
    "Serenade",
    "Divertimento",
    "Cantata",
    "Motet",
    "Requiem",
];
const ADJECTIVES: [&str; 20] = [
    "Silent",
    "Golden",
    "Silver",
    "Crimson",
    "Azure",
    "Ancient",
    "Forgotten",
    "Eternal",
    "Broken",
    "Hidden",
    "Distant",
    "Wild",
    "Gentle",
    "Solemn",
    "Grand",
    "Little",
    "Last",
    "First",
    "Secret",
    "Holy",
];
const NOUNS: [&str; 40] = [
    "Moon", "Sun", "River", "Forest", "Mountain", "Ocean", "Winter", "Summer", "Spring", "Autumn", "Night", "Morning",
    "Evening", "Storm", "Rain", "Wind", "Fire", "Earth", "Star", "Sky", "Bird", "Swan", "Eagle", "Wolf", "Lion",
    "Rose", "Lily", "Tulip", "Oak", "Willow", "Castle", "Tower", "Bridge", "Garden", "Village", "City", "Island",
    "Valley", "Lake", "Stream",
];
const KEYS: [&str; 10] = [
    "C major",
    "D minor",
    "E major",
    "F minor",
    "G major",
    "A minor",
    "B minor",
    "B-flat major",
    "E-flat major",
    "A-flat minor",
];
const GIVEN_NAMES: [&str; 16] = [
    "Johann",
    "Clara",
    "Robert",
    "Fanny",
    "Felix",
    "Franz",
    "Anton",
    "Ludwig",
    "Joseph",
    "Maria",
    "Sofia",
    "Igor",
    "Nadia",
    "Lili",
    "Ethel",
    "Hildegard",
];
const FAMILY_NAMES: [&str; 20] = [
    "Bach",
    "Schumann",
    "Hensel",
    "Schubert",
    "Bruckner",
    "Mozart",
    "Haydn",
    "Szymanowska",
    "Gubaidulina",
    "Prokofiev",
    "Ravel",
    "Satie",
    "Boulanger",
    "Smyth",
    "Beach",
    "Vivaldi",
    "Verdi",
    "Strozzi",
    "Brahms",
    "Dvořák",
];
const LANGUAGES: [&str; 6] = ["en", "es", "ca", "nl", "de", "fr"];
const FORMATS: [&str; 4] = ["application/vnd.recordare.musicxml", "audio/mpeg", "audio/midi", "application/pdf"];
const WORDS: [&str; 24] = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
    "ad",
    "minim",
    "veniam",
    "quis",
];

/// Properties written. A node leaves those of other types null.
const PROPERTIES: [&str; 27] = [
    "name",
    "title",
    "creator",
    "contributor",
    "source",
    "format",
    "language",
    "subject",
    "description",
    "rights",
    "url",
    "image",
    "givenName",
    "familyName",
    "gender",
    "jobTitle",
    "birthDate",
    "musicCompositionForm",
    "musicalKey",
    "iswcCode",
    "contentUrl",
    "encodingFormat",
    "contentSize",
    "height",
    "width",
    "created",
    "modified",
];

/// Groups of six nodes, with their relations, in one statement.
const GROUPS: u64 = 16;
/// Groups in one transaction.
const GROUPS_COMMITTED: u64 = GROUPS * 1_000;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be made.
    #[error("the database cannot be made")]
    Open(#[from] OpenError),
    /// A statement failed.
    #[error("a statement failed")]
    Statement(#[from] sqlx::Error),
    /// The schema is not the one that the data is for.
    #[error("the schema stores no property `{0}` as the benchmark's data needs it")]
    NoColumn(&'static str),
}

/// Key of a node: made from its type and its number, which starts at 0 in each type.
pub fn key(ty: &str, number: u64) -> String {
    let digest = Sha256::new().chain_update(ty).chain_update(number.to_string()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes).to_string()
}

/// Makes the database and fills it. `progress` gets the number of nodes written so far.
///
/// # Errors
///
/// Those of the database.
pub async fn make(path: &Path, model: &Model, nodes: u64, mut progress: impl FnMut(u64)) -> Result<(), Error> {
    let settings =
        Settings { url: ["sqlite://", &path.to_string_lossy(), "?mode=rwc"].concat(), ..Settings::default() };
    let storage = Storage::open(&settings, model, RemovedPolicy::Refuse).await?;
    storage.close().await;
    // Without a log the file is lost if this is interrupted, but it is written once.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .disable_statement_logging()
        // Relations may come before the nodes that they lead to.
        .foreign_keys(false)
        .pragma("journal_mode", "off")
        .pragma("synchronous", "off")
        .pragma("locking_mode", "exclusive")
        .pragma("cache_size", "-1048576");
    let mut connection = options.connect().await?;
    let mut graph = Graph::new(model, nodes)?;
    let mut group = 0;
    while group < graph.groups {
        run(&mut connection, Sql::new("begin")).await?;
        let end = graph.groups.min(group + GROUPS_COMMITTED);
        while group < end {
            let next = end.min(group + GROUPS);
            let (nodes, relations) = graph.statements(group, next);
            run(&mut connection, nodes).await?;
            run(&mut connection, relations).await?;
            group = next;
        }
        run(&mut connection, Sql::new("commit")).await?;
        progress(group * 6);
    }
    run(&mut connection, Sql::new("analyze")).await?;
    // What was written past the writer is not in the full-text index, so that is made when the database is opened.
    run(&mut connection, Sql::new("delete from clef_search_definition")).await?;
    run(&mut connection, Sql::new("pragma locking_mode = normal")).await?;
    run(&mut connection, Sql::new("pragma journal_mode = wal")).await?;
    connection.close().await?;
    Storage::open(&settings, model, RemovedPolicy::Refuse).await?.close().await;
    Ok(())
}

async fn run(connection: &mut SqliteConnection, statement: Sql) -> Result<(), sqlx::Error> {
    let (text, parameters) = statement.into_parts();
    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        let added = match parameter {
            Parameter::Null => arguments.add(None::<String>),
            Parameter::Integer(number) => arguments.add(number),
            Parameter::Real(number) => arguments.add(number),
            Parameter::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    sqlx::query_with(AssertSqlSafe(text), arguments).execute(connection).await?;
    Ok(())
}

/// A node's values by the position of their property.
type Values = [Parameter; PROPERTIES.len()];

struct Graph {
    columns: Vec<String>,
    /// Each has a person, two compositions and three media objects.
    groups: u64,
    random: StdRng,
}

impl Graph {
    fn new(model: &Model, nodes: u64) -> Result<Self, Error> {
        let column = |property: &'static str| {
            let storage = match property {
                "height" | "width" => StorageType::Integer,
                "created" | "modified" => StorageType::DateTime,
                "birthDate" => StorageType::Date,
                _ => StorageType::Text,
            };
            let found = model.columns().iter().find(|it| it.property == property && it.storage == storage);
            found.map(|it| it.name.clone()).ok_or(Error::NoColumn(property))
        };
        let columns = PROPERTIES.iter().map(|property| column(property)).collect::<Result<_, _>>()?;
        Ok(Self { columns, groups: nodes.div_ceil(6), random: StdRng::seed_from_u64(42) })
    }

    /// Inserts the nodes and the relations of some groups.
    fn statements(&mut self, from: u64, to: u64) -> (Sql, Sql) {
        let mut nodes = Sql::new("insert into node (\"__id\", \"__type\", \"__key\"");
        for column in &self.columns {
            nodes.push(", ").ident(column);
        }
        nodes.push(") values ");
        let mut relations = Sql::new("insert into relation (name, source, target) values ");
        let mut is_first = true;
        for group in from..to {
            let mut members = vec![("Person", group, self.person(group))];
            members.extend(
                (group * 2..group * 2 + 2).map(|number| ("MusicComposition", number, self.composition(number))),
            );
            members.extend((group * 3..group * 3 + 3).map(|number| ("MediaObject", number, self.media(number))));
            for (position, (ty, number, values)) in (1..).zip(members) {
                nodes.push(if is_first && position == 1 { "" } else { ", " });
                let system = [id(group * 6 + position), ty.into(), key(ty, number).into()];
                nodes.bind_list(system.into_iter().chain(values));
            }
            for (name, source, target) in self.relations(group) {
                relations.push(if is_first { "" } else { ", " }).bind_list([name.into(), id(source), id(target)]);
                is_first = false;
            }
        }
        (nodes, relations)
    }

    /// Ten for each group of six nodes, on average.
    fn relations(&mut self, group: u64) -> Vec<(&'static str, u64, u64)> {
        let mut relations = Vec::new();
        for composition in group * 2..group * 2 + 2 {
            let first = self.random.random_range(0..self.groups);
            relations.push(("COMPOSER", composition_id(composition), person_id(first)));
            if self.random.random_bool(0.3) {
                relations.push(("COMPOSER", composition_id(composition), person_id((first + 1) % self.groups)));
            }
            if self.random.random_bool(0.4) {
                let other = self.random.random_range(0..self.groups * 2);
                relations.push(("EXACT_MATCH", composition_id(composition), composition_id(other)));
            }
        }
        for media in group * 3..group * 3 + 3 {
            let composition = self.random.random_range(0..self.groups * 2);
            relations.push(("ENCODING", media_id(media), composition_id(composition)));
            relations.push(("EXAMPLE_OF_WORK", media_id(media), composition_id(composition)));
        }
        if self.random.random_bool(0.5) {
            let other = self.random.random_range(0..self.groups);
            relations.push(("EXACT_MATCH", person_id(group), person_id(other)));
        }
        relations
    }

    fn person(&mut self, number: u64) -> Values {
        let (given, family) = (self.pick(&GIVEN_NAMES), self.pick(&FAMILY_NAMES));
        let name = [given, " ", self.pick(&NOUNS), " ", family, " ", &number.to_string()].concat();
        let mut values = self.common("Person", number, name);
        set(&mut values, "givenName", given);
        set(&mut values, "familyName", family);
        let (gender, job) = (self.pick(&["female", "male"]), self.pick(&["composer", "lyricist", "conductor"]));
        set(&mut values, "gender", gender);
        set(&mut values, "jobTitle", job);
        let year = self.random.random_range(1600..1980).to_string();
        set(&mut values, "birthDate", [&year, "-0", &self.digit(1), "-1", &self.digit(0)].concat());
        set(&mut values, "format", "text/html");
        values
    }

    fn composition(&mut self, number: u64) -> Values {
        let (form, musical_key) = (self.pick(&FORMS), self.pick(&KEYS));
        let (adjective, noun) = (self.pick(&ADJECTIVES), self.pick(&NOUNS));
        let name = [adjective, " ", noun, " ", form, " No. ", &number.to_string(), " in ", musical_key].concat();
        let mut values = self.common("MusicComposition", number, name);
        set(&mut values, "musicCompositionForm", form.to_lowercase());
        set(&mut values, "musicalKey", musical_key);
        set(&mut values, "iswcCode", ["T-", &number.to_string()].concat());
        set(&mut values, "format", "text/html");
        values
    }

    fn media(&mut self, number: u64) -> Values {
        let name = [self.pick(&ADJECTIVES), " Recording ", &number.to_string()].concat();
        let mut values = self.common("MediaObject", number, name);
        let format = self.pick(&FORMATS);
        set(&mut values, "format", format);
        set(&mut values, "encodingFormat", format);
        set(&mut values, "contentUrl", ["https://media.example.org/", &number.to_string(), ".bin"].concat());
        set(&mut values, "contentSize", self.random.random_range(1_000..9_000_000).to_string());
        set(&mut values, "height", self.random.random_range(0..2_000_i64));
        set(&mut values, "width", self.random.random_range(0..2_000_i64));
        values
    }

    fn common(&mut self, ty: &str, number: u64, name: String) -> Values {
        let mut values = std::array::from_fn(|_| Parameter::Null);
        let text = number.to_string();
        set(&mut values, "title", name.as_str());
        set(&mut values, "name", name);
        let creator = self.random.random_range(0..1_000).to_string();
        set(&mut values, "creator", ["https://www.example.org/creator/", &creator].concat());
        set(&mut values, "contributor", "https://www.upf.edu");
        set(&mut values, "source", ["https://www.example.org/", ty, "/", &text].concat());
        let (language, subject) = (self.pick(&LANGUAGES), self.pick(&FORMS));
        set(&mut values, "language", language);
        set(&mut values, "subject", subject.to_lowercase());
        let start = self.random.random_range(0..8);
        let length = self.random.random_range(4..16);
        set(&mut values, "description", WORDS[start..start + length].join(" "));
        set(&mut values, "rights", "https://creativecommons.org/licenses/by/4.0/");
        set(&mut values, "url", ["https://www.example.org/view/", &text].concat());
        set(&mut values, "image", ["https://www.example.org/image/", &text, ".jpg"].concat());
        let instant = self.instant();
        set(&mut values, "created", instant.as_str());
        set(&mut values, "modified", instant);
        values
    }

    fn instant(&mut self) -> String {
        let year = self.random.random_range(2018..2024).to_string();
        let text =
            [&year, "-0", &self.digit(1), "-1", &self.digit(0), "T1", &self.digit(0), ":2", &self.digit(0), ":30Z"]
                .concat();
        // The text is always a time, so the default is never taken.
        DateTime::parse(&text).map(DateTime::to_stored).unwrap_or_default()
    }

    fn digit(&mut self, from: u32) -> String {
        self.random.random_range(from..10).to_string()
    }

    fn pick(&mut self, among: &[&'static str]) -> &'static str {
        among[self.random.random_range(0..among.len())]
    }
}

fn set(values: &mut Values, property: &str, value: impl Into<Parameter>) {
    if let Some(position) = PROPERTIES.iter().position(|it| *it == property) {
        values[position] = value.into();
    }
}

fn id(number: u64) -> Parameter {
    i64::try_from(number).map_or(Parameter::Null, Parameter::Integer)
}

fn person_id(number: u64) -> u64 {
    number * 6 + 1
}

fn composition_id(number: u64) -> u64 {
    number / 2 * 6 + 2 + number % 2
}

fn media_id(number: u64) -> u64 {
    number / 3 * 6 + 4 + number % 3
}
