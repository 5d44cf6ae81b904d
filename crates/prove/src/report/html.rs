//! A proof as one page.

use maud::{DOCTYPE, html as markup};

use crate::proof::Proof;
use crate::report::about::About;
use crate::report::judgement::Judgement;
use crate::report::words::foreign;

/// A proof as one page of HTML that needs nothing else: no network, no file beside it.
#[must_use]
pub fn html(proof: &Proof, about: &About) -> String {
    let judgement = Judgement::of(proof);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (foreign(&about.title)) }
            }
            body { h1 { (foreign(&about.title)) } p { (judgement.sentence) } }
        }
    };
    page.into_string()
}
