use super::*;
#[test]
fn live() {
    let Ok(dir) = std::env::var("LIVE") else { return };
    let mut source = MemSource::default();
    source.create("d", "autogen");
    source.write(
        "d",
        "autogen",
        &std::fs::read_to_string(format!("{dir}/data.lp")).unwrap(),
        Default::default(),
    );
    for name in std::env::var("LIVEQ").unwrap().split(',') {
        let mut out = String::new();
        for q in std::fs::read_to_string(format!("{dir}/{name}.q")).unwrap().lines() {
            let q = q.trim();
            if q.is_empty() {
                continue;
            }
            out.push_str(q);
            out.push('\n');
            out.push_str("    ");
            out.push_str(&answer(&source, "d", q, ""));
            out.push('\n');
        }
        std::fs::write(format!("{dir}/{name}.got"), out).unwrap();
    }
}
