//! What a page says and what it does not let through. That it is seen: `browser`.

use super::*;
use crate::report::fixture;

#[test]
#[expect(clippy::print_stdout, reason = "for now")]
fn write_them() {
    let about = About::new("nginx -s reload")
        .fact("target", "http://127.0.0.1:8080/")
        .fact("restart", "nginx -s reload -c /etc/nginx/nginx.conf")
        .fact("seed", "1");
    std::fs::create_dir_all("/tmp/q5out").unwrap();
    for (name, proof) in [
        ("rich", fixture::rich()),
        ("huge", fixture::huge()),
        ("quiet", fixture::quiet()),
        ("empty", fixture::empty()),
        ("hostile", fixture::hostile()),
    ] {
        let page = html(&proof, &about);
        println!("{name} {}", page.len());
        std::fs::write(format!("/tmp/q5out/{name}.html"), page).unwrap();
    }
}
