//! Words that say nothing by themselves: articles, pronouns, prepositions, auxiliaries.
//!
//! As they are written; an analyzer folds them as it folds a text. Negations are not among them,
//! nor are words that also name something common.

pub(super) const CATALAN: &str = "\
a al als amb aquest aquesta aquestes aquests com d de del dels des el ella elles ells els en ens era \
eren és està estan fou ha han has hi ho i jo l la les li m més meu meva n o on per però perquè pel \
pels quan que què qui quin quina s se seu seus seva seves si són sobre també te té teu t tot un una \
unes uns vaig va van";

pub(super) const CZECH: &str = "\
a aby aj ale ani asi až být bude budou by byl byla byli bylo co což či do i já jak jaké jaký jako je \
jeho jej její jejich jen ji jsem jsi jsme jsou k kde kdo kdy kdyz když ke která které který kterou \
kteří ku má mezi mi mít mu my na nad nám nás nebo než o od on ona oni po pod podle pokud pro proto \
protože před při s se si svůj ta tak také tam te ten tento této to tohoto tom tomto tu tuto ty u už v \
ve však vy z za ze že";

pub(super) const DANISH: &str = "\
ad af alle alt anden at blev bliver da de dem den denne der deres det dette dig din disse du efter \
eller en end er et for fra ham han hans har havde have hende hendes her hos hun hvad hvem hver hvilke \
hvilken hvis hvor hvordan i jeg jer jeres jo kan kunne man med meget men mig min mod når og også om op \
os over på sig sin sine skal skulle som sådan thi til ud under var ved vi vil ville vor være været";

pub(super) const DUTCH: &str = "\
aan al als altijd andere ben bij daar dan dat de der deze die dit doch door dus een en er ge had heb \
hebben heeft hem hen het hier hij hoe hun ik in is ja je kan kon kunnen maar me meer men met mij mijn \
moet na naar nog nu of om omdat ons onze ook op over reeds s t te tegen toch toen tot u uit uw van \
veel voor want waren was wat welke wel werd wezen wie wij wil word worden wordt zal ze zei zelf zich \
zij zijn zo zou";

pub(super) const ENGLISH: &str = "\
a about am an and are as at be because been being but by did do does doing for from had has have \
having he her hers him his how i if in into is it it's its me my of on or our ours she should so some \
such than that the their theirs them then there these they this those to too was we were what when \
where which while who whom whose why with would you your yours";

pub(super) const FINNISH: &str = "\
että ei eivät en ei ehkä he heidän heille heitä hän häneen hänelle hänen hänet häntä ja jo joita joka \
jonka jos jossa jota jotka joten kanssa keiden ketkä koska kuin kuka kun me meidän meille meitä mikä \
mitkä mitä minkä minä minun minut minulla mutta myös ne niiden niin niitä noin nuo nämä näiden näitä \
ole olen olet oli olimme olin olisi olit olivat olla olleet ollut on ovat sekä sen se siinä siitä \
sille sinä sinun sitä tai tai te teidän tämä tämän tässä tätä vai vaikka";

pub(super) const FRENCH: &str = "\
à ai ainsi as au aucun aussi autre aux avec avoir c ce ceci cela celle celles celui ces cet cette ceux \
chez comme comment d dans de des donc dont du elle elles en entre es est et étaient était été être eu \
eux fait font il ils j je jusqu l la laquelle le lequel les lesquelles lesquels leur leurs lorsque lui \
m ma mais me même mes moi mon n nos notre nous on ont ou où par parce pendant pour pourquoi puisqu \
puisque qu quand que quel quelle quelles quels qui quoi s sa se selon ses si soit son sont sous suis \
sur t ta te tes toi ton tu un une vos votre vous y";

pub(super) const GERMAN: &str = "\
ab aber als also am an auch auf aus bei beim bin bis bist da damit dann das dass dein deine dem den \
denn der des die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer \
eines er es etwas euch euer für gegen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn \
ihnen ihr ihre ihrem ihren ihrer ihres im in indem ins ist jede jedem jeden jeder jedes jene jenem \
jenen jener jenes jetzt kann können könnte machen man manche mein meine mich mir mit muss musste nach \
noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seines selbst sich sie sind so solche \
soll sollte sondern über um und uns unser unsere unter viel vom von vor wann war waren warst was weil \
welche welchem welchen welcher welches wenn werde werden wer wie wieder will wir wird wirst wo wohin \
wollen wollte worden wurde wurden zu zum zur zwar zwischen";

pub(super) const GREEK: &str = "\
αλλά αν αντί από αυτά αυτές αυτή αυτό αυτοί αυτός αυτού αυτούς αυτών για γιατί δε εάν είμαι είναι \
είμαστε είσαι είστε εκείνα εκείνες εκείνη εκείνο εκείνοι εκείνος ενώ επί έχει έχουν η ήταν θα ίσως κ \
και κατά κι μα με μετά μια μία μου να ο οι όμως όπως όπου όσο όταν ότι παρά ποια ποιες ποιο ποιοι \
ποιος πού πως που προς πώς σας σε στη στην στης στο στον στου στους στα στις τα τη την της τι τις το \
τον του τους των ως";

pub(super) const HUNGARIAN: &str = "\
a ahogy ahol aki akik akkor alatt által amely amelyek amelyet ami amit az azok azon azt azután azzal \
be benne csak de e egy egyes egyéb el ebben ehhez ennek és ez ezek ezen ezért ezt ezzel fel felé ha \
hanem hogy hogyan hol így ill ilyen is itt jó ki kell két között le lehet lenne lesz lett maga már más \
meg mellett mely melyek mert mi miért mikor milyen mint mit mivel most nagyon ne néha nem oly olyan on \
ő ők őket össze pedig s saját se sem sok számára szemben szerint tehát több újra úgy után utána vagy \
vagyis van vannak vele viszont volna volt voltak";

pub(super) const ITALIAN: &str = "\
a abbia abbiamo abbiano ad agl agli ai al all alla alle allo anche avere aveva avevano c che chi ci \
coi col come con contro cui d da dagl dagli dai dal dall dalla dalle dallo de degl degli dei del dell \
della delle dello di dov dove è e ed era erano essere fra gl gli ha hanno ho i il in io l la le lei li \
lo loro lui m ma mi mia mie miei mio ne negl negli nei nel nell nella nelle nello noi nostra nostri \
nostro o per perché più quale quali quanta quante quanti quanto quella quelle quelli quello questa \
queste questi questo s se sei si sia siamo siano sono sta stata stati stato su sua sue sugl sugli sui \
sul sull sulla sulle sullo suo suoi t ti tra tu tua tuo tutti tutto un una uno v vi voi vostra vostro";

pub(super) const NORWEGIAN: &str = "\
å alle at av både båe begge ble blei bli blir blitt da de deg dei deim deira deg dem den denne der dere \
deres det dette di din disse du dykk e eg ein eit eitt eller elles en enn er et ett etter for fordi fra \
før ha hadde han hans har hennar henne hennes her hjå ho hun hva hvem hver hvilke hvilken hvis hvor \
hvordan hvorfor i ikkje inn ja jeg kan kom korleis kva kvar kven kvifor man med meg meget mellom men \
mi min mitt mot mye må når noe noen nokon og også om opp oss over på så sånn seg selv si sia sin sine \
sitt sjøl skal skulle som somme til um upp ut uten var vart vår være vært ved vere vi vil ville vore";

pub(super) const POLISH: &str = "\
a aby albo ale ani aż bardzo bez bo by być był była było były będzie będą co czy czyli dla do gdy gdyż \
gdzie go i ich ile im inne iż ja ją jak jaka jaki jakie jako je jednak jego jej jemu jest jestem jeśli \
jeżeli już każdy kiedy kto która które którego której który których którym którzy lub ma mają mi mnie \
mogą może można mój mu my na nad nam nas natomiast niego niej nim niż o od on ona oni ono oraz po pod \
podczas ponieważ przed przez przy są się sobie swoje ta tak taki takie także tam te tego tej ten też \
to tu tych tylko tym u w we więc wszystko z za ze że żeby";

pub(super) const PORTUGUESE: &str = "\
a à ao aos aquela aquelas aquele aqueles aquilo as às até com como da das de dela delas dele deles \
depois do dos e é ela elas ele eles em entre era eram essa essas esse esses esta está estão estas \
estava este estes eu foi for foram há isso isto já la lhe lhes lo mais mas me mesmo meu meus minha \
minhas muito na nas nem no nos nós nossa nossas nosso nossos num numa o os ou para pela pelas pelo \
pelos por porque qual quais quando que quem são se seja ser será seu seus só sua suas também te tem \
têm teu teus tinha tu tua tuas um uma umas uns você vocês vos";

pub(super) const ROMANIAN: &str = "\
a acea aceasta această aceea acei aceia acel acela acele acest acesta aceste acestea acești acolo ai al \
ale am ar are aș asta astfel au avea ca că care cât ce cel cei cele chiar ci cine cu cum când da dacă \
dar datorită de deci decât deoarece deși din dintre doar după e ea ei el ele era este eu fără fi fie \
fiind i iar îi îl îmi în între își îți l la le lor lui m mă mai mea mei mele meu mult n ne ni noi nostru \
nouă o or ori pe pentru peste prin s sa să său sau se și sub sunt suntem ta tău te toate tot toți tu un \
una unde unei unele unor unui v va vă voi vor vostru";

pub(super) const RUSSIAN: &str = "\
а бы был была были было быть в вам вас весь во вот все всего всех вы где да для до его ее ей ему если \
есть еще же за здесь и из или им их к как какая какие какой ко когда кого которая которого которой \
которые который которых кто ли либо мне может мы на над надо наш него нее ней нем них но ну о об \
однако он она они оно от очень по под при с сам со так такая также такие такой там те тем то того \
тоже той только том ты у уже хотя чего чей чем что чтобы чье чья эта эти это этого этой этом этот я";

pub(super) const SPANISH: &str = "\
a al algo algunas algunos ante antes aquel aquella aquello como con contra cual cuál cuáles cuando \
cuándo de del desde donde dónde durante e el él ella ellas ellos en entre era eran eres es esa esas \
ese eso esos esta está están estaba estas este esto estos fue fueron ha había han has hasta hay la las \
le les lo los más me mi mí mis mucho muchos muy nos nosotros nuestra nuestras nuestro nuestros o os \
otra otras otro otros para pero poco por porque que qué quien quién quienes se sea ser si sí sin sobre \
son soy su sus suya suyo también tanto te tiene tienen todo todos tu tú tus un una uno unos vosotros y \
ya yo";

pub(super) const SWEDISH: &str = "\
alla allt att av blev bli blir blivit då de dem den denna deras dess dessa det detta dig din dina ditt \
du där efter ej eller en er era ert ett från för ha hade han hans har henne hennes hon honom hur här i \
icke inom jag ju kan kunde man med mellan men mig min mina mitt mot mycket ni när någon något några och \
om oss på samma sedan sig sin sina sitta själv skulle som så sådan sådana till under upp ut utan vad \
var vara varför varit varje vars vart vem vi vid vilka vilken vilket vår våra vårt än är åt över";

pub(super) const TURKISH: &str = "\
acaba ama ancak artık aslında bana bazı belki ben beni benim bir biri birkaç biz bizim bu buna bunda \
bundan bunlar bunu bunun burada çok çünkü da daha dahi de den dır diğer diye dolayı en eğer fakat \
gibi göre hangi hatta hem hep her hiç için ile ilgili in ise işte kadar ki kim kime mı mi mu mü nasıl \
ne neden nedenle nerede niçin nin nın o olan olarak oldu olduğu olsa olur ona onda ondan onlar onu \
onun orada oysa öyle sanki siz sizin şey şu şunu ta tam te ten tüm un ve veya ya yani yerine yine";
