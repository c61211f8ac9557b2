/** The commonest words of languages that share an alphabet, lower case: articles, pronouns, prepositions, conjunctions, auxiliaries. */
const words = {
  en: "the of and to in is that it for was on are as with his they be at this have from or had by but not what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into has more no way could my than been who its now did get you i he me should does may also such most any",
  de: "der die das und ist in den von zu mit sich des auf für nicht ein eine einen einem einer als auch es an werden aus er hat dass sie nach wird bei um am sind noch wie über so zum war haben nur oder aber vor zur bis mehr durch man kann wenn ich wir ihr du mein dein was wer sein unter diese dieser dieses im hatte mich dir uns jeder hat keine",
  fr: "le la les de des du un une et est en que qui dans pour pas sur au aux avec ce cette ces il elle ils elles je tu nous vous se sa son ses ne plus par ou mais comme tout été sont a être avoir fait peut leur leurs on si où dont sans même aussi très bien entre mon ma mes votre vos notre toute d l qu c n s j",
  es: "el la los las de del que y en un una es por con no se su sus para al lo como más o pero este esta está ha sí porque cuando muy sin sobre también me hasta hay donde quien desde todo nos durante uno les ni contra otros ese eso ante ellos e esto mí antes algunos yo otro otra él tanto son ser toda tiene derecho persona",
  pt: "o a os as de do da dos das que e em um uma é por com não se seu sua seus suas para ao aos à no na nos nas como mais ou mas este esta foi são tem quando muito sem sobre também me até há onde quem desde todo nós isso ele ela você eu pelo pela ser está toda seja tenho direito pessoa pode",
  it: "il lo la i gli le di del della dei degli delle che e è in un una per con non si su suo sua suoi al alla ai alle come più o ma questo questa sono ha ho anche se dal dalla nel nella nei dove chi quando molto senza io tu noi voi loro essere ogni ed ad c l un dell all può stato tutti diritto individuo",
  nl: "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij nog uit hij ze wij je ik door over naar heeft hebben kan wordt worden deze dit die was of tot meer geen wat wie onder u heb moet zich ieder een al mijn ons onze hun haar recht",
  sv: "och att det i en som är på av för med den till inte har de om ett han men var jag sig från vi så kan när år under också efter eller nu där ska vid mot ut skall alla blir vara denna detta här sina sin hon dem varje rätt någon ej",
  da: "og at det i en som er på af for med den til ikke har de om et han men var jeg sig fra vi så kan når under også efter eller nu hvor skal ved mod ud alle bliver være denne dette her sine sin hun dem enhver ret nogen hvis blev",
  no: "og at det i en som er på av for med den til ikke har de om et han men var jeg seg fra vi så kan når under også etter eller nå hvor skal ved mot ut alle blir være denne dette her sine sin hun dem enhver rett noen hvis ble",
  fi: "ja on ei että se hän oli olla joka mutta ovat tai kun myös niin kuin jos mitä ole sen sekä mukaan hänen minä sinä me te he tämä tässä kanssa vain jo nyt voi ettei jonka jokaisella oikeus kaikki eikä kaikilla ihmisoikeuksien hänellä",
  pl: "i w na z do się nie to że jest o jak ale po co tak za od przez dla ten ta te są być był była było czy oraz może tym tego jego jej ich przy lub który która które aby już tylko bardzo gdy ma mnie każdy człowiek prawo ze nad jako",
  cs: "a v se na je že s z do o k i ale jako za by si to po pro jsou byl byla bylo jak tak nebo od není co který která které při jeho jejich aby už jen také jsem být má každý právo ve svých podle nikdo kde ze až",
  ro: "și de în la a cu pe nu să este o un din care ce mai pentru al ale ai că se sau dar sunt fi fost prin după între fără orice toate lui ei lor acest această are dreptul persoană sa său ori eu noi voi către asupra",
  hu: "a az és hogy nem is egy ez azt van meg de volt mint csak ki ha már még kell vagy minden aki ami meg el lesz ezt arra ahhoz joga személynek való között alatt után által sem azonban pedig szerint illetve lehet mindenkinek",
  tr: "ve bir bu da de için ile olarak çok daha ne var o gibi her olan kadar sonra ben sen biz siz onlar mi mı ki ama veya değil en olduğu şey hakkı herkes göre bütün ya hiç kimse haiz şahsın hakkına",
  id: "yang dan di dari untuk dengan pada ini itu tidak dalam akan adalah ke oleh sebagai juga atau ada mereka saya kami kita anda bisa dapat telah orang hak setiap atas secara karena tersebut lebih sudah harus seperti maupun tanpa",
  vi: "và của là có không được trong cho các với một những này người đã để khi về tôi cũng như từ đến ra vào hay phải bị đều mọi quyền hoặc nào thì do sự theo bởi trên bạn họ vì rằng tất cả",
  ru: "и в не на что он с как это по но к из у за от так же бы вы мы я о для то все или если его её их был была было быть есть только при может который которая которые каждый человек имеет право со до она они ему нет ни во уже",
  uk: "і в не на що він з як це по але до у за від так же б ви ми я про для то всі або якщо його її їх був була було бути є тільки при може який яка які кожна людина має право та із цей не ні ніхто також й зі під",
  bg: "и в не на че той с като това по но към от за у така би вие ние аз за да то всички или ако негов неговата са беше било бъде е само при може който която които всеки човек има право със до тя те му няма ни във се си ще",
} as const;

/** Languages that a list of words tells, and their alphabet. */
export const wordLists: readonly { language: string; script: "latin" | "cyrillic"; words: ReadonlySet<string> }[] =
  Object.entries(words).map(([language, list]) => ({
    language,
    script: ["ru", "uk", "bg"].includes(language) ? "cyrillic" : "latin",
    words: new Set(list.split(" ")),
  }));

/** Scripts that one language writes, or that are told apart by a few letters of their own. */
export const scriptLanguages: readonly { language: string; script: RegExp }[] = [
  { language: "el", script: /\p{Script=Greek}/gu },
  { language: "he", script: /\p{Script=Hebrew}/gu },
  { language: "ar", script: /\p{Script=Arabic}/gu },
  { language: "hi", script: /\p{Script=Devanagari}/gu },
  { language: "bn", script: /\p{Script=Bengali}/gu },
  { language: "ta", script: /\p{Script=Tamil}/gu },
  { language: "te", script: /\p{Script=Telugu}/gu },
  { language: "th", script: /\p{Script=Thai}/gu },
  { language: "ka", script: /\p{Script=Georgian}/gu },
  { language: "hy", script: /\p{Script=Armenian}/gu },
  { language: "ko", script: /\p{Script=Hangul}/gu },
  { language: "ja", script: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu },
  { language: "zh", script: /\p{Script=Han}/gu },
];

/** Every code that `detectLanguage` can answer. */
export const languageCodes: readonly string[] = [...wordLists, ...scriptLanguages].map(({ language }) => language).concat("fa");
