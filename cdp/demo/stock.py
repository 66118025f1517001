"""Generic words that the demo company's people, places and goods are put together from; none of them is anybody.

E-mail domains are those reserved for examples (RFC 2606); telephone numbers come from ranges set aside for fiction: 555-0100 to
555-0199 in every North American area code, and the German regulator's numbers for film and television.
"""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _short(text: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(forms) for name, *forms in (entry.split() for entry in text.split(","))}


FEMALE = _words(
    """Abigail Adele Agnes Alice Alexandra Amanda Amelia Andrea Angela Anna Audrey Barbara Beatrice Bethany Bridget Camille Carmen
    Caroline Cassandra Catherine Charlotte Christina Clara Claire Cynthia Daisy Danielle Deborah Diana Donna Dorothy Eleanor Elizabeth
    Ella Emily Emma Erica Esther Evelyn Faith Fiona Florence Frances Gabrielle Georgia Gloria Grace Hannah Harriet Hazel Heather Helen
    Holly Ida Irene Isabella Ivy Jacqueline Jane Janet Jasmine Jennifer Jessica Joan Josephine Joyce Julia June Karen Katherine
    Kimberly Laura Leah Lillian Linda Louise Lucy Lydia Mabel Madeline Margaret Maria Marion Martha Mary Matilda Megan Melissa
    Michelle Mildred Miriam Molly Monica Nadia Nancy Naomi Natalie Nicole Nina Nora Olivia Pamela Patricia Paula Penelope Phoebe
    Rachel Rebecca Rita Roberta Rosalind Rose Ruby Ruth Samantha Sandra Sarah Selma Sharon Sophia Stella Stephanie Susan Sylvia Teresa
    Theresa Ursula Valerie Vanessa Vera Veronica Victoria Violet Virginia Vivian Wendy Willa Yvonne Zoe"""
)
MALE = _words(
    """Aaron Adam Adrian Alan Albert Alexander Alfred Andrew Anthony Arthur Austin Benjamin Bernard Brandon Brian Bruce Calvin Cameron
    Carl Charles Christopher Clarence Clifford Colin Curtis Daniel David Dennis Desmond Dominic Donald Douglas Duncan Edgar Edmund
    Edward Edwin Elliott Eric Ernest Ethan Eugene Evan Felix Francis Frank Frederick Gabriel Gavin George Gerald Gilbert Gordon Graham
    Gregory Harold Harvey Henry Herbert Hugh Ian Isaac Jack Jacob James Jason Jeffrey Jeremy Jerome Joel John Jonathan Joseph Joshua
    Julian Justin Keith Kenneth Kevin Kyle Lawrence Leonard Leslie Lewis Logan Louis Lucas Malcolm Marcus Mark Martin Matthew Maurice
    Max Michael Miles Mitchell Nathan Nathaniel Neil Nicholas Noah Norman Oliver Oscar Owen Patrick Paul Peter Philip Quentin Ralph
    Raymond Reginald Richard Robert Roger Roland Ronald Rupert Russell Samuel Scott Sidney Simon Stanley Stephen Stuart Terence
    Theodore Thomas Timothy Tobias Travis Tyler Victor Vincent Walter Warren Wayne Wesley William Zachary"""
)
FEMALE_DE = _words(
    """Anja Anke Annika Antje Astrid Birgit Brigitte Britta Carla Christa Dagmar Doris Edith Elke Erika Eva Franziska Frieda Gabriele
    Gerda Gisela Greta Hanna Heike Helga Ilse Inge Ingrid Irmgard Jutta Karin Katharina Katrin Kerstin Lena Lieselotte Lotte Margarete
    Marlene Martina Monika Nele Petra Renate Sabine Silke Svenja Tanja Ulrike Ute Waltraud Wiebke"""
)
MALE_DE = _words(
    """Achim Andreas Anton Axel Bernd Bernhard Bruno Christian Dieter Dirk Eberhard Emil Ernst Florian Friedrich Fritz Gerhard Günter
    Hans Heinrich Heinz Helmut Henrik Holger Horst Ingo Jan Jens Joachim Jochen Jörg Jürgen Karl Klaus Konrad Lars Lothar Lukas
    Manfred Matthias Moritz Norbert Olaf Otto Rainer Reinhard Rolf Rüdiger Stefan Sven Thorsten Torben Uwe Volker Werner Wolfgang"""
)
NICKNAMES = _short(
    """Abigail Abby, Alexandra Sandra Alex Lexi, Amanda Mandy, Barbara Barb Babs, Bethany Beth, Cassandra Cass Sandy, Catherine
    Cathy Kate, Charlotte Lottie Charlie, Christina Tina Chris, Deborah Debbie Deb, Dorothy Dot Dolly, Eleanor Ellie Nell,
    Elizabeth Liz Beth Betty, Florence Flo, Frances Fran, Gabrielle Gabby, Harriet Hattie, Isabella Bella Izzy, Jacqueline
    Jackie, Jennifer Jenny Jen, Jessica Jess, Josephine Josie Jo, Katherine Kathy Kate, Kimberly Kim, Lillian Lily, Madeline
    Maddie, Margaret Peggy Maggie Meg, Martha Patty, Matilda Tilly, Melissa Missy, Nicole Nikki, Pamela Pam, Patricia Pat Trish,
    Penelope Penny, Rebecca Becky, Roberta Bobbie, Samantha Sam, Sarah Sally, Stephanie Steph, Susan Sue Suzie, Teresa Terry,
    Theresa Tess, Valerie Val, Veronica Ronnie, Victoria Vicky Tori, Virginia Ginny, Albert Al Bert, Alexander Alex Sandy, Alfred
    Fred Alf, Andrew Andy Drew, Anthony Tony, Arthur Art, Benjamin Ben, Bernard Bernie, Charles Charlie Chuck, Christopher Chris
    Kit, Clifford Cliff, Daniel Dan Danny, David Dave, Donald Don, Douglas Doug, Edmund Ned, Edward Ed Ted, Eugene Gene, Francis
    Frank, Frederick Fred, Gerald Gerry, Gregory Greg, Harold Harry Hal, Henry Harry Hank, Herbert Herb, James Jim Jimmy, Jeffrey
    Jeff, John Jack Johnny, Jonathan Jon, Joseph Joe, Joshua Josh, Kenneth Ken, Lawrence Larry, Leonard Len Lenny, Matthew Matt,
    Michael Mike Mick, Nathaniel Nate, Nicholas Nick, Patrick Pat Paddy, Peter Pete, Philip Phil, Raymond Ray, Reginald Reggie,
    Richard Rick Dick, Robert Bob Rob Bobby, Ronald Ron, Russell Russ, Samuel Sam, Stephen Steve, Terence Terry, Theodore Ted
    Theo, Thomas Tom, Timothy Tim, Tobias Toby, Victor Vic, Vincent Vince, Walter Walt, William Bill Will Billy, Zachary Zach,
    Katharina Kathi, Margarete Grete, Friedrich Fritz, Heinrich Heiner, Franziska Franzi, Matthias Matze, Gabriele Gabi, Joachim
    Achim, Lieselotte Lilo, Wolfgang Wolf"""
)

_ENGLISH = _words(
    """Ash Beck Birch Black Brad Bram Brook Burn Cal Carl Clay Cole Crest Dal East Elm Fair Fern Glen Green Had Hart Hazel High Hol Kings
    Lang Lin Lock Marsh Mill Nor Oak Pem Rad Red Rock Shel Stan Strat Thorn Wal West Whit Wick Win"""
)
_ENGLISH_ENDS = _words("""bourne bridge bury by combe croft dale den field ford ham ley man more shaw stead stone ton well wood worth""")
_ORDINARY = _words(
    """Adams Allen Baker Barnes Bell Bennett Brooks Brown Butler Campbell Carter Clark Collins Cook Cooper Cox Davis Edwards Evans Fisher
    Foster Garcia Gray Green Hall Harris Hayes Hill Hughes Jackson Jenkins Johnson Jones Kelly King Lee Lewis Lopez Martin Martinez
    Miller Mitchell Moore Morgan Morris Murphy Nelson Nguyen Parker Patel Perez Phillips Price Ramirez Reed Reyes Richardson Rivera
    Roberts Robinson Rogers Ross Russell Sanders Scott Smith Stewart Taylor Thomas Thompson Torres Turner Walker Ward Watson White
    Williams Wilson Wood Wright Young O'Brien O'Connor McCarthy MacDonald D'Angelo"""
)
FAMILY = (*_ORDINARY * 3, *(start + end for start in _ENGLISH for end in _ENGLISH_ENDS if start[-1] != end[0]))
"""Family names; the ordinary ones are three times as likely as a made-up one."""
_GERMAN = _words(
    """Alten Bach Berg Birken Buchen Eichen Erlen Feld Grün Hof Kirch Linden Neu Nieder Ober Rosen Schön Stein Tal Wald Wiesen"""
)
_GERMAN_ENDS = _words("""bauer berger brink egger hagen hauser hofer kamp mann meier mayer stein thal""")
_ORDINARY_DE = _words(
    """Bauer Becker Braun Fischer Fuchs Groß Hartmann Hoffmann Jäger Keller Klein Koch Köhler Krüger König Lange Lehmann Maier Meyer
    Möller Müller Neumann Peters Richter Roth Schäfer Schmidt Schmitz Schneider Schröder Schulz Schwarz Vogel Wagner Weber Weiß Werner
    Wolf Zimmermann"""
)
FAMILY_DE = (*_ORDINARY_DE * 2, *(start + end for start in _GERMAN for end in _GERMAN_ENDS))


@dataclass(frozen=True)
class City:
    """A place: `postal` is the beginning of its postal codes, `areas` the telephone areas of its people."""

    name: str
    region: str
    country: str
    postal: str
    areas: tuple[str, ...]


def _cities(lines: str, country: str) -> tuple[City, ...]:
    rows = (line.split("|") for line in lines.strip().splitlines())
    return tuple(City(name, region, country, postal, tuple(areas.split())) for name, region, postal, areas in rows)


CITIES = _cities(
    """Denver|CO|802|303 720 719
Portland|OR|972|503 971 541
Columbus|OH|432|614 380 740
Austin|TX|787|512 737 361
Madison|WI|537|608 920 715
Raleigh|NC|276|919 984 336
Boise|ID|837|208 986 406
Omaha|NE|681|402 531 308
Tucson|AZ|857|520 480 602
Richmond|VA|232|804 757 540
Spokane|WA|992|509 360 253
Albany|NY|122|518 838 315
Des Moines|IA|503|515 641 319
Louisville|KY|402|502 859 270
Sacramento|CA|958|916 530 209
Minneapolis|MN|554|612 651 763
Pittsburgh|PA|152|412 724 814
Savannah|GA|314|912 478 706
Providence|RI|029|401 508 413
Tulsa|OK|741|918 539 405
Knoxville|TN|379|865 423 931
Wichita|KS|672|316 620 785""",
    "US",
)
CITIES_DE = _cities(
    """Berlin||10|+493023125
Hamburg||20|+494066969
Köln||50|+492214710
München||80|+498999998
Frankfurt am Main||60|+496990009""",
    "DE",
)
"""German cities; a telephone area is the whole fictional range, of a thousand numbers."""
MOBILE_DE = tuple(f"+4917139200{n:02}" for n in range(100)) + tuple(f"+49176040690{n:02}" for n in range(100))
BRANCHES = ("Denver", "Portland", "Columbus", "Austin", "Madison", "Berlin", "Hamburg", "Köln")

STREETS = _words(
    """Alder Ash Aspen Bayberry Beech Birch Bluebell Cedar Cherry Chestnut Church College Cottonwood Cypress Dogwood Elm Fairview Fern
    Forest Garden Hawthorn Hickory Highland Hillside Holly Juniper Lake Laurel Lilac Linden Locust Magnolia Main Maple Meadow Mill
    Mulberry Oak Orchard Park Pine Poplar Prospect Ridge River Rosewood Spring Spruce Summit Sunset Sycamore Union Valley View Walnut
    Willow"""
)
STREET_KINDS = (("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Lane", "Ln"), ("Drive", "Dr"), ("Court", "Ct"))
STREETS_DE = _words(
    """Acker Bahnhof Berg Birken Blumen Buchen Eichen Feld Garten Goethe Haupt Kirch Linden Mühlen Ring Rosen Schiller Schul Wald
    Wiesen"""
)
STREET_KINDS_DE = (("straße", "str."), ("weg", "weg"), ("allee", "allee"))
MAIL_DOMAINS = ("example.com", "example.org", "example.net", "letterbox.example", "inbox.example", "webpost.example")
MAIL_DOMAINS_DE = ("postfach.example", "briefkasten.example", "example.net", "example.org")
TRADES = (
    ("Landscaping", "landscapes"),
    ("Property Services", "property"),
    ("Hotel", "hotel"),
    ("Garden Design", "gardens"),
    ("Catering", "catering"),
    ("Builders", "builders"),
    ("Care Home", "carehome"),
    ("Interiors", "interiors"),
    ("Nursery School", "school"),
    ("Architects", "architects"),
)
LEGAL = ("LLC", "Inc.", "Ltd", "& Co.", "GmbH")
JOBS = (
    "Office manager",
    "Buyer",
    "Facility manager",
    "Owner",
    "Chef",
    "Architect",
    "Teacher",
    "Engineer",
    "Accountant",
    "Nurse",
    "Retired",
    "Designer",
)
STAFF = ("a.archer", "b.bowman", "c.carver", "d.dyer", "e.fletcher", "f.mason", "g.sawyer", "h.thatcher")


@dataclass(frozen=True)
class Product:
    """A thing the company sells. `season` is the weight of each month, January first; `with_` are things bought along with it."""

    sku: str
    name: str
    category: str
    price: float
    season: str
    with_: tuple[str, ...] = ()


_GARDEN, _SUMMER, _WINTER, _EVEN = "112588632211", "112357865211", "311111112489", "333333333446"


def _products(lines: str) -> tuple[Product, ...]:
    seasons = {"garden": _GARDEN, "summer": _SUMMER, "winter": _WINTER, "even": _EVEN}
    rows = (line.split("|") for line in lines.strip().splitlines())
    return tuple(Product(s, n, c, float(p), seasons[e], tuple(w.split())) for s, n, c, p, e, w in rows)


PRODUCTS = _products(
    """G-101|Lawn mower 40 V|Garden|349.00|garden|G-102 G-108
G-102|Battery 40 V 4 Ah|Garden|119.00|garden|
G-103|Hedge trimmer|Garden|139.00|garden|G-106
G-104|Raised bed, larch|Garden|129.00|garden|G-105 G-107
G-105|Potting soil 40 l|Garden|9.90|garden|G-107
G-106|Garden gloves|Garden|12.50|garden|
G-107|Herb plants, set of 6|Garden|19.90|garden|G-105
G-108|Lawn fertiliser|Garden|24.90|garden|
G-109|Garden hose 25 m|Garden|39.00|summer|G-106
O-201|Gas grill, 3 burners|Outdoor|449.00|summer|O-202 O-203
O-202|Grill cover|Outdoor|39.90|summer|
O-203|Grill tools, steel|Outdoor|34.90|summer|
O-204|Garden table, acacia|Outdoor|259.00|summer|O-205
O-205|Folding chair|Outdoor|59.00|summer|O-206
O-206|Seat cushion|Outdoor|22.00|summer|
O-207|Parasol 3 m|Outdoor|99.00|summer|O-208
O-208|Parasol base|Outdoor|49.00|summer|
K-301|Espresso maker|Kitchen|289.00|winter|K-302 K-303
K-302|Coffee grinder|Kitchen|79.00|winter|K-303
K-303|Espresso beans 1 kg|Kitchen|21.90|even|
K-304|Stand mixer|Kitchen|329.00|winter|K-305
K-305|Baking tins, set of 3|Kitchen|29.90|winter|
K-306|Cast-iron pan|Kitchen|64.00|even|K-307
K-307|Chef's knife|Kitchen|74.00|even|K-308
K-308|Whetstone|Kitchen|32.00|even|
L-401|Floor lamp, brass|Lighting|149.00|winter|L-403
L-402|Desk lamp|Lighting|59.00|even|L-403
L-403|LED bulb, set of 4|Lighting|16.90|even|
L-404|Fairy lights 20 m|Lighting|24.90|winter|L-405
L-405|Outdoor timer switch|Lighting|14.90|winter|
H-501|Wool blanket|Home|89.00|winter|H-502
H-502|Cushion cover|Home|19.90|even|
H-503|Bed linen, cotton|Home|79.00|even|H-504
H-504|Pillow|Home|45.00|even|
H-505|Storage basket|Home|27.50|even|H-502
T-601|Cordless drill|Tools|129.00|even|T-602 T-603
T-602|Drill bits, 40 pieces|Tools|29.90|even|
T-603|Wall plugs and screws|Tools|11.90|even|
T-604|Tool case|Tools|69.00|even|T-601
T-605|Paint, white 10 l|Tools|54.90|garden|T-606
T-606|Brushes and rollers|Tools|18.90|garden|"""
)
CATEGORIES = ("Garden", "Outdoor", "Kitchen", "Lighting", "Home", "Tools")
