"""Common names of the western worlds, most frequent first: `Name/short form/another form`, an underscore for a blank."""

US_MALE = """
James/Jim/Jimmy John/Johnny/Jack Robert/Bob/Rob Michael/Mike/Mick William/Bill/Will David/Dave Richard/Rick/Dick Joseph/Joe/Joey
Thomas/Tom/Tommy Charles/Charlie/Chuck Christopher/Chris Daniel/Dan/Danny Matthew/Matt Anthony/Tony Mark Donald/Don Steven/Steve Paul
Andrew/Andy/Drew Joshua/Josh Kenneth/Ken/Kenny Kevin/Kev Brian George Timothy/Tim Ronald/Ron/Ronnie Edward/Ed/Eddie Jason/Jay Jeffrey/Jeff
Ryan Jacob/Jake Gary Nicholas/Nick Eric Jonathan/Jon Stephen/Steve Larry Justin Scott Brandon Benjamin/Ben Samuel/Sam Gregory/Greg
Alexander/Alex Frank Patrick/Pat Raymond/Ray Jack Dennis Jerry Tyler Aaron Jose Adam Nathan/Nate Henry/Hank/Harry Douglas/Doug
Zachary/Zach Peter/Pete Kyle Ethan Walter/Walt Noah Jeremy Christian Keith Roger Terry Gerald/Jerry Harold/Hal Sean Austin Carl Arthur/Art
Lawrence/Larry Dylan Jesse Jordan Bryan Billy Joe Bruce Gabriel/Gabe Logan Albert/Al Willie Alan Juan Wayne Elijah/Eli Randy Roy
Vincent/Vince Ralph Eugene/Gene Russell/Russ Bobby Mason Philip/Phil Louis/Lou Ernest/Ernie Martin/Marty Craig Stanley/Stan Shawn Travis
Bradley/Brad Leonard/Len Earl Gavin Curtis Phillip/Phil Norman Marcus Theodore/Ted Clifford/Cliff
"""
US_FEMALE = """
Mary/Molly Patricia/Pat/Patty Jennifer/Jen/Jenny Linda Elizabeth/Liz/Beth Barbara/Barb Susan/Sue/Susie Jessica/Jess Sarah Karen Lisa Nancy
Betty Sandra/Sandy Margaret/Maggie/Peggy Ashley Kimberly/Kim Emily/Em Donna Michelle/Shelly Carol Amanda/Mandy Melissa/Missy
Deborah/Deb/Debbie Stephanie/Steph Rebecca/Becky Sharon Laura Cynthia/Cindy Dorothy/Dot Amy Kathleen/Kathy Angela/Angie Shirley Emma
Brenda Pamela/Pam Nicole/Nikki Anna Samantha/Sam Katherine/Kate/Kathy Christine/Chris/Tina Debra/Deb Rachel Carolyn Janet Maria Olivia
Heather Helen Catherine/Cathy/Kate Diane Julie Victoria/Vicky Joyce Lauren Kelly Christina/Tina Ruth Joan Virginia/Ginny Judith/Judy
Evelyn Hannah Andrea Megan/Meg Cheryl Jacqueline/Jackie Madison/Maddie Teresa/Terri Abigail/Abby Sophia/Sophie Martha Sara Gloria Janice
Kathryn/Kathy Ann/Annie Isabella/Bella Judy Charlotte Julia Grace Amber Alice Jean Denise Frances/Fran Danielle/Dani Marilyn Natalie/Nat
Beverly/Bev Diana Brittany/Britt Theresa/Terri Kayla Alexis/Lexi Doris Lori Tiffany Rose Eleanor/Ellie Josephine/Jo Constance/Connie
Gabrielle/Gabby Penelope/Penny Valerie/Val Veronica/Ronnie Florence/Flo Suzanne/Sue
"""
US_FAMILY = """
Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore
Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen
Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards
Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward
Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders Patel Myers Long Ross Foster
Jimenez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes Gonzales Fisher Vasquez Simmons Romero Jordan Patterson
Alexander Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant Herrera Gibson Ellis Tran Medina Aguilar Stevens Murray
Ford Castro Marshall Owens Harrison Fernandez McDonald Woods Washington Kennedy Wells Vargas Henry Chen Freeman Webb Tucker Guzman Burns
Crawford Olson Simpson Porter Hunter Gordon Mendez Silva Shaw Snyder Mason Dixon Munoz Hunt Hicks Holmes Palmer Wagner Black Robertson
Boyd Rose Stone Salazar Fox Warren Mills Meyer Rice Schmidt Garza Daniels Ferguson Nichols Stephens Soto Weaver
"""
US_STREET = """
Main Oak Pine Maple Cedar Elm View Washington Lake Hill Walnut Spring North Ridge Lincoln Church Willow Mill Sunset Railroad Jackson River
West South Jefferson Park Highland Dogwood Hickory Chestnut Franklin Center Meadow Forest College Locust Spruce Cherry Poplar Madison
Birch Valley Adams Monroe Prospect Laurel Sycamore Cottonwood Aspen Pleasant Magnolia Hillcrest Lakeview Grove School Cypress Fairview
Orchard Old_Mill Deer_Run Fox_Hollow
"""
UK_TOWN = """
Ashford Barton Bexley Carlow Dunmore Elmstead Fernhill Glossop Hadley Ilford Kendal Langley Malton Norbury Otley Penrith Quorn Redcar
Selby Thirsk Upton Verwood Wigton Yarm Alston Bramley Corby Denholm Epworth Frodsham Garstang Hexham Keswick Ludlow Morpeth Newent Oakham
Pickering Ripley Settle
"""

DE_MALE = """
Peter Michael/Micha/Michi Thomas/Tom Andreas/Andi Wolfgang/Wolfi Klaus Jürgen Günter/Günther Stefan/Stephan Christian/Chris Uwe Werner
Horst Frank Dieter Manfred/Manni Gerhard/Gerd Hans/Johann Bernd/Bernhard Matthias/Mathias Martin Walter/Walther Heinz Torsten/Thorsten
Ralf/Ralph Josef/Sepp Alexander/Alex Jörg Markus/Marcus Helmut Karl/Carl Daniel/Dani Sebastian/Basti Florian/Flo Tobias/Tobi Jan
Philipp/Philip Lukas/Lucas Maximilian/Max Felix Jonas Paul Leon Moritz Jakob/Jacob David Simon Fabian/Fabi Johannes/Hannes Benjamin/Ben
Tim Dominik/Dominic Rainer/Reiner Rolf Kurt/Curt Heinrich/Heiner Herbert Norbert Franz Otto Erich Fritz/Friedrich Rudolf/Rudi Hermann
Kai/Kay Sven Lars Marco/Marko Oliver/Oli Dirk Holger Volker Hans-Peter Karl-Heinz Franz-Josef Hans-Jürgen Klaus-Dieter Jan-Philipp Björn
Götz Jürg Sören Mehmet Ali Mustafa Luca Elias Noah Finn/Fynn Anton/Toni Emil Theo Vincent
"""
DE_FEMALE = """
Ursula/Uschi Monika/Moni Petra Elisabeth/Lisi/Sissi Sabine/Bine Renate Helga Karin Brigitte/Gitte Ingrid Erika Andrea/Andi Gisela
Claudia/Claudi Susanne/Susi Gabriele/Gabi Christa Christine/Christina/Tina Hildegard/Hilde Anna/Anni Birgit Barbara/Babsi Gerda Maria
Martina/Tina Heike Anja Angelika/Geli Nicole/Niki Stefanie/Stephanie/Steffi Julia/Juli Katharina/Kathi Laura Lisa Sarah/Sara Lena
Hannah/Hanna Lea/Leah Sophie/Sofie Marie Johanna/Hanni Franziska/Franzi Theresa/Teresa/Resi Magdalena/Leni Eva Vanessa/Nessa Jana
Melanie/Melli Sandra Tanja/Tanya Silke Bärbel Jutta Ute Käthe Margarete/Grete Anneliese Rosemarie/Rosi Irmgard Edith Ruth Elfriede
Waltraud/Traudl Annette Antje Ulrike/Uli Cornelia/Conny Marion Manuela Daniela/Dani Kerstin Simone Anna-Lena Anne-Marie Eva-Maria
Ann-Kathrin Marie-Luise Lea-Sophie Anna-Maria Heidemarie/Heidi Emilia Mia Emma Clara/Klara Zoé Fatma Ayşe Elif
"""
DE_FAMILY = """
Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz
Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König
Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth
Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß
Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold
Wolff Pfeiffer Gruber Steiner Moser Mayr Hofer Leitner Pichler Eder Egger Wallner Aigner Lechner Brunner Wimmer Ebner Bäcker Hübner Dörr
Jürgens Bünger Größl Kößler Lüdtke Yılmaz Kaya Demir von_Arnim von_der_Heide zu_Castell van_den_Berg de_Vries Öztürk Şahin Nowak Kowalski
Wójcik Horvat Novak Ivanović Jovanović Nikolić Petrović Kovač Schütz Thiel Böttcher
"""
DE_STREET = """
Haupt Bahnhof Schul Garten Dorf Berg Kirch Wald Linden Wiesen Mühl Goethe Schiller Mozart Ring Feld Rosen Birken Tannen Buchen Ahorn
Eichen Nelken Tulpen Fliederweg Amselweg Am_Markt Am_Bach Im_Winkel Brunnen Kloster Schloss Kaiser Friedrich Bismarck Beethoven Lessing
Heine Uhland Jahn Markt Post Burg Hinter_der_Mauer Sonnen Stein Weinberg Ufer Hafen Mittel Neue Alte Lange Breite Kurze Grüner_Weg Höhen
Süd Nord West Ost Rathaus Turm Graben
"""
DE_TOWN = """
Altbach Bergen Dornfeld Ehrenstein Falkenau Grünthal Hohenfeld Jettingen Kirchdorf Lindach Mühlbach Neustadt Oberndorf Petersberg Rosenau
Steinach Tannheim Unterwald Weißenburg Zellerfeld Ebersdorf Königsau Schönberg Büchenau Göttling Mödlach Würmtal Langenau Altdorf
Burghausen Eichstetten
"""
