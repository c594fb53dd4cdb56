//! The part of `protoc` that prost's build scripts use: compiles `.proto` files to a descriptor set.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    /// Where the descriptor set goes.
    output: Option<PathBuf>,
    /// Directories in which imports are looked for.
    includes: Vec<PathBuf>,
    /// The files to compile.
    files: Vec<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments {
        output,
        includes,
        files,
    } = parse(env::args().skip(1))?;
    let output = output.ok_or("no descriptor set to write: -o or --descriptor_set_out is missing")?;
    let descriptors = protox::compile(files, includes)?;
    fs::write(output, descriptors.encode_to_vec())?;
    Ok(())
}

/// Reads protoc's flags. Those that only add what protox always writes are accepted; unknown ones are refused.
fn parse(args: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut args = args;
    let mut parsed = Arguments::default();
    while let Some(arg) = args.next() {
        if let Some(path) = arg.strip_prefix("--descriptor_set_out=") {
            parsed.output = Some(path.into());
        } else if let Some(path) = arg.strip_prefix("--proto_path=") {
            parsed.includes.push(path.into());
        } else if let Some((flag, path)) = short(&arg, &mut args) {
            match flag {
                Short::Output => parsed.output = Some(path.into()),
                Short::Include => parsed.includes.push(path.into()),
            }
        } else if !arg.starts_with('-') {
            parsed.files.push(arg.into());
        } else if !ALWAYS_TRUE.contains(&arg.as_str()) {
            return Err(format!("unknown flag {arg}"));
        }
    }
    Ok(parsed)
}

/// Flags for what protox does anyway.
const ALWAYS_TRUE: [&str; 3] = [
    "--include_imports",
    "--include_source_info",
    "--experimental_allow_proto3_optional",
];

enum Short {
    Output,
    Include,
}

/// `-o PATH` and `-I PATH`, with or without the space.
fn short(arg: &str, rest: &mut impl Iterator<Item = String>) -> Option<(Short, String)> {
    let (flag, attached) = match arg.get(..2)? {
        "-o" => (Short::Output, &arg[2..]),
        "-I" => (Short::Include, &arg[2..]),
        _ => return None,
    };
    let path = if attached.is_empty() {
        rest.next()?
    } else {
        attached.to_owned()
    };
    Some((flag, path))
}
