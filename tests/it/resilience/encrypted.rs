//! TLS to the database, against certificates of an authority made for the test.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use clef::sql::Sql;
use clef::storage::{OpenError, RemovedPolicy, Settings, Storage};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use super::database::Database;
use super::{query, settings};
use crate::process::program::{Folder, Program};
use crate::support::model;

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `localhost`; the files of its authority and of another one.
fn server() -> (Database, String, String) {
    let database = Database::new("-c ssl=on");
    let (own, other) = (authority("own"), authority("other"));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &own).unwrap();
    let write = |name: &str, text: &str| {
        let path = database.folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let owner = std::fs::metadata(database.data()).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        path.display().to_string()
    };
    write("data/server.crt", &certificate.pem());
    write("data/server.key", &key.serialize_pem());
    write(
        "data/pg_hba.conf",
        "local all all trust\nhostssl all clef all trust\nhostssl all guarded all scram-sha-256\n",
    );
    let (own, other) = (write("own.pem", &own.pem()), write("other.pem", &other.pem()));
    database.start();
    (database, own, other)
}

async fn open(url: String) -> Result<Storage, OpenError> {
    let settings = Settings { url, ..Settings::default() };
    Storage::open(&settings, &model("tests/schemas/library"), RemovedPolicy::Refuse).await
}

#[tokio::test]
async fn connections_are_encrypted_and_proved_as_the_address_says() {
    let (database, own, other) = server();
    let port = database.port;
    let is_encrypted =
        || Sql::new("select cast(ssl as text) || ' ' || version from pg_stat_ssl where pid = pg_backend_pid()");
    for (host, query) in [
        ("127.0.0.1", String::new()),
        ("127.0.0.1", "?sslmode=prefer".to_owned()),
        ("127.0.0.1", "?sslmode=require".to_owned()),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={own}")),
        ("127.0.0.1", format!("?sslrootcert={own}&sslmode=require")),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={own}")),
    ] {
        let storage = open(format!("postgres://clef@{host}:{port}/postgres{query}")).await;
        let storage = storage.unwrap_or_else(|error| panic!("{host} {query}: {error:?}"));
        assert_eq!(storage.read(is_encrypted()).await.unwrap().as_deref(), Some("true TLSv1.3"), "{host} {query}");
        storage.close().await;
    }
    for (host, query) in [
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={own}")),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={other}")),
        ("localhost", format!("?sslmode=verify-ca&sslrootcert={other}")),
        ("localhost", format!("?sslmode=require&sslrootcert={other}")),
        ("localhost", "?sslmode=verify-full".to_owned()),
        ("localhost", "?sslmode=verify-ca&sslrootcert=system".to_owned()),
    ] {
        let error = open(format!("postgres://clef@{host}:{port}/postgres{query}")).await.unwrap_err();
        assert!(matches!(error, OpenError::Tls { .. }), "{host} {query}: {error:?}");
    }
    let error = open(format!("postgres://clef@127.0.0.1:{port}/postgres?sslmode=disable")).await.unwrap_err();
    assert!(matches!(error, OpenError::Denied { .. }), "{error:?}");
    let nowhere = format!("postgres://clef@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert=/nowhere.pem");
    let error = open(nowhere).await.unwrap_err();
    assert!(matches!(&error, OpenError::Certificates { file, .. } if file == Path::new("/nowhere.pem")), "{error:?}");
    let plain = Database::started("");
    assert!(open(plain.url()).await.is_ok());
    let error = open(format!("{}?sslmode=require", plain.url())).await.unwrap_err();
    assert!(matches!(error, OpenError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_password_is_bound_to_the_channel_and_statements_are_cancelled_over_it() {
    let folder = Folder::new("channel");
    let (database, own, _) = server();
    database.sql("create role guarded login superuser password 'right'");
    let url = format!(
        "postgres://guarded:right@localhost:{}/postgres?sslmode=verify-full&sslrootcert={own}&channel_binding=require",
        database.port
    );
    let program = Program::start(&folder.0, &settings(&url, &[("STATEMENT_TIMEOUT", "1s")]));
    assert_eq!(query(&program, "{ Book { isbn } }").await.json(), json!({"data": {"Book": []}}));
    assert_eq!(program.send("GET /ready", &[], &Value::Null).await.status, 200);
    let storage = open(url).await.unwrap();
    let slow = storage.read(Sql::new("select cast(pg_sleep(8) as text)"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), slow).await.is_err());
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select cast(pg_sleep%'";
    for _ in 0..50 {
        if database.sql(running) == "0" {
            return program.stop();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the statement still runs");
}
