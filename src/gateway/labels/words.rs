//! Words that say something about a question: its language, or what it wants.

use std::sync::LazyLock;

use foldhash::HashMap;

/// Languages in Latin letters that words tell apart, most widespread first.
pub(super) const LATIN: [&str; 17] =
    ["en", "es", "de", "fr", "pt", "it", "nl", "pl", "tr", "id", "sv", "da", "no", "fi", "cs", "hu", "ro"];

/// The commonest words of each, in the order of [`LATIN`].
const COMMON: [&str; LATIN.len()] = [
    "the of and to is that for it with you this are be how what can i my please me do from which in a on an your not",
    "el la los las de que y en un una para con por es cómo qué cuál no se del al lo puedo está como mi me más",
    "der die das und ist nicht ein eine einen zu mit für von wie was ich wir sie auf dem den im auch bitte kann es mir",
    "le la les de des et est un une pour avec que qui dans sur je vous ce il pas comment quelle quel du au en mon",
    "o a os as de que e em um uma para com por é como não se do da no na posso está mais eu você meu minha ao",
    "il lo la gli di che e in un una per con è come non si della del posso sono mi più nel alla ho quale le i da",
    "de het een en van is dat niet met voor op ik je hoe wat er zijn te aan naar ook mijn maar kan om bij",
    "i w na z się nie to jest jak do że co jaka jaki dla po od czy mnie ale tak są przez mi za tylko",
    "ve bir bu için ne nasıl mi mı de da ile çok ben bana var değil gibi daha olan ama lütfen nedir",
    "dan yang di untuk ini itu apa dengan saya bagaimana tidak dari ke pada adalah cara ada bisa akan atau tolong",
    "och är det att en ett i på inte som för med jag hur vad av den till om men kan har du min",
    "og er det at en et i på ikke som for med jeg hvordan hvad af den til om men kan har du min hvornår",
    "og er det å en et i på ikke som for med jeg hvordan hva av den til om men kan har du min hvor ei",
    "ja on ei se että mikä miten mitä oli hän minä sinä ole kuin mutta tämä niin myös kun voi ovat kanssa",
    "a je se na v že jak to co jaké s z do pro ale není jsem tak by o když si které jako nebo prosím",
    "a az és hogy nem egy ez is mi mit hogyan de van meg ha kérem csak már mert vagy ki volt",
    "și este nu un o de la cu în pentru care ce cum mai din pe sunt să ci dar îmi vreau fi ai",
];

macro_rules! traits {
    ($($field:ident = $bit:literal: $words:literal,)*) => {
        /// How many words of each kind a text has.
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct Traits { $(pub $field: u16,)* }

        impl Traits {
            /// Counts a word that is of these kinds, a bit each.
            pub(super) fn add(&mut self, kinds: u32) {
                if kinds == 0 {
                    return;
                }
                $(self.$field += u16::from(kinds & $bit != 0);)*
            }
        }

        const KINDS: &[(u32, &str)] = &[$(($bit, $words),)*];
    };
}

traits! {
    code = 1: "code function class struct enum method compiler compile compiles programming algorithm api json html css \
        javascript typescript python rust java kotlin swift golang php ruby bash shell docker kubernetes git regex sql \
        react vue django flask node npm cargo unittest refactor variable loop array boolean async await import const \
        traceback exception stacktrace backend frontend endpoint repository programm funktion código función fonction \
        代码 函数 postgres mysql sqlite rs py js ts cpp",
    fault = 2: "error errors bug bugs fix broken crash crashes fails failing failed exception traceback panic panics debug \
        wrong undefined segfault deadlock leak fehler erreur ошибка",
    review = 4: "review explain refactor understand improve clean document documentation comments readable",
    query = 8: "sql postgres mysql sqlite postgresql",
    translation = 16: "translate translation translated übersetze übersetzen übersetzung traduire traduis traduction traduce \
        traducir traducción traduza traduzir traduci traduzione переведи перевести перевод vertaal przetłumacz çevir 翻译 翻訳",
    summary = 32: "summarize summarise summary summaries tl tldr shorten condense zusammenfassen zusammenfassung résume résumer \
        résumé resume resumen resumir resumo riassumi riassunto samenvatting streszczenie",
    roleplay = 64: "roleplay rp pretend character persona in-character dungeon rollenspiel",
    math = 128: "equation integral derivative theorem proof prove probability matrix algebra geometry solve calculate \
        polynomial logarithm gleichung équation ecuación berechne calcule calcula",
    data = 256: "dataset csv spreadsheet excel dataframe regression correlation statistics average median chart trend outlier",
    writing = 512: "write rewrite essay email mail poem story letter article blog paragraph proofread headline slogan tone \
        draft schreibe schreib écris écrire escribe escrever escreva scrivi напиши",
    seo = 1024: "seo serp backlink backlinks keywords",
    marketing = 2048: "marketing campaign campaigns branding advertisement advertising advert ads slogan tagline newsletter \
        copywriting influencer audience customers promotion promotional werbung werbetext kampagne publicité anuncio publicidad campaña \
        营销",
    legal = 4096: "legal law laws lawyer attorney contract clause lawsuit court liability statute regulation regulations gdpr \
        copyright trademark patent plaintiff defendant tenant lease jurisdiction sue vertrag gesetz anwalt klausel contrat avocat \
        loi ley contrato abogado 法律",
    finance = 8192: "finance financial stock stocks invest investing investment investments investor portfolio mortgage loan \
        inflation tax taxes revenue dividend dividends bonds etf crypto bitcoin bank banking accounting retirement pension \
        economy economics aktie aktien steuer steuern kredit impôt impôts bourse impuestos inversión 投资 股票",
    health = 16384: "health medical medicine medication doctor symptom symptoms disease diagnosis treatment therapy patient pain \
        headache fever vaccine diet nutrition calories workout anxiety depression blood diabetes cancer pregnancy dose \
        gesundheit arzt schmerzen krankheit santé médecin maladie salud médico enfermedad 健康",
    science = 32768: "physics chemistry biology astronomy quantum molecule molecules atom atoms photosynthesis evolution gravity \
        planet planets galaxy climate species protein proteins dna experiment hypothesis scientific science neuron neurons \
        relativity thermodynamics electron electrons geology ecosystem physik chemie biologie physique chimie física química 科学",
    academia = 65536: "thesis dissertation essay citation citations cite bibliography professor university coursework homework \
        syllabus scholarly academic methodology exam exams lecture curriculum phd hausarbeit bachelorarbeit masterarbeit \
        seminar mémoire tesis universidad 论文",
    technology = 131_072: "laptop smartphone phone iphone android windows macos linux router wifi bluetooth gpu cpu processor \
        software hardware internet cloud server browser gadget robot robots robotics cybersecurity encryption network vpn \
        technology computer technologie tecnología rechner ordinateur ordenador 电脑",
    trivia = 262_144: "trivia quiz capital tallest largest longest smallest oldest highest deepest invented inventor founded \
        discovered president population olympics oscar anthem hauptstadt capitale einwohner habitants 首都",
}

/// What one word says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meaning {
    /// A bit for each of [`LATIN`].
    pub languages: u32,
    /// A bit for each field of [`Traits`].
    pub traits: u32,
}

/// All words, in small letters.
pub(super) static WORDS: LazyLock<HashMap<&'static [u8], Meaning>> = LazyLock::new(|| {
    let mut words: HashMap<&'static [u8], Meaning> = HashMap::default();
    let mut bit = 1;
    for list in COMMON {
        for word in list.split_whitespace() {
            words.entry(word.as_bytes()).or_default().languages |= bit;
        }
        bit <<= 1;
    }
    for (kind, list) in KINDS {
        for word in list.split_whitespace() {
            words.entry(word.as_bytes()).or_default().traits |= kind;
        }
    }
    words
});
