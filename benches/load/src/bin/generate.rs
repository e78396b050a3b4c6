//! Makes a database of the benchmark: `generate --nodes 100000 FILE`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use clef_load::{graph, model};

#[derive(Parser)]
#[command(about = "Makes a database of the benchmark")]
struct Options {
    /// How many nodes, rounded up to a multiple of six.
    #[arg(long)]
    nodes: u64,
    /// The file to make. It must not exist.
    database: PathBuf,
}

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    if options.database.exists() {
        return Err("the file exists already".into());
    }
    let model = model()?;
    let start = Instant::now();
    // Under another name until it is whole.
    let mut unfinished = options.database.clone().into_os_string();
    unfinished.push(".part");
    remove(Path::new(&unfinished))?;
    graph::make(Path::new(&unfinished), &model, options.nodes, |nodes| {
        print!("\r{nodes} nodes in {:.1} s ", start.elapsed().as_secs_f64());
        // Progress that cannot be shown is no reason to stop.
        drop(std::io::stdout().flush());
    })
    .await?;
    std::fs::rename(&unfinished, &options.database)?;
    let bytes = std::fs::metadata(&options.database)?.len();
    println!("- done in {:.1} s, {} MiB", start.elapsed().as_secs_f64(), bytes >> 20);
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
