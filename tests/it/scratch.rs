use crate::support::*;
use std::time::Instant;
#[tokio::test]
async fn scratch() {
    let t = Instant::now();
    let model = model("schema");
    println!(
        "model {:?} columns {} types {} api {}",
        t.elapsed(),
        model.columns().len(),
        model.types().len(),
        model.api().types.len()
    );
    let t = Instant::now();
    let engine = engine(model).await;
    println!("engine {:?}", t.elapsed());
    for q in std::fs::read_to_string("/tmp/q.txt").unwrap().split("---") {
        let t = Instant::now();
        let v = run(&engine, q.trim()).await;
        println!("{}\n => {:?} {}", q.trim(), t.elapsed(), v);
    }
    let q = std::fs::read_to_string("/tmp/introspection.graphql").unwrap();
    let t = Instant::now();
    let a = engine.execute(clef::graphql::Request { query: q, ..Default::default() }, access(&["*"])).await;
    println!("introspection {:?} {}", t.elapsed(), a.body.len());
    std::fs::write("/tmp/introspection.json", &a.body).unwrap();
}
