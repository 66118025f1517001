"""Common names of the Iberian, Slavic, Indian and Vietnamese worlds, most frequent first, written as in `names_west`."""

BR_MALE = """
José/Zé João/Joãozinho Antônio/Toninho/Tonho Francisco/Chico Carlos/Carlinhos Paulo/Paulinho Pedro/Pedrinho Lucas Luiz/Luis Marcos
Gabriel/Biel Rafael/Rafa Daniel/Dani Marcelo Bruno Eduardo/Edu/Dudu Felipe/Filipe Rodrigo Manoel/Manuel Matheus/Mateus André
Fernando/Nando Fábio Leonardo/Leo Gustavo/Guga Guilherme/Gui Leandro Tiago/Thiago Anderson Ricardo Márcio Jorge Sebastião/Tião
Alexandre/Alex Roberto/Beto Edson Diego Vítor/Victor Sérgio Cláudio Mateus Geraldo Adriano Luciano Júlio Renato Alex Vinícius Rogério
Samuel Ronaldo Mário Flávio Igor Douglas Davi/David Jeferson Cícero José_Carlos João_Paulo Luiz_Carlos Antônio_Carlos Pedro_Henrique
João_Vitor Carlos_Eduardo Luís_Felipe Raimundo Joaquim Miguel Arthur Caio Hugo Otávio
"""
BR_FEMALE = """
Maria/Mariazinha Ana/Aninha Francisca/Chica Antônia Adriana/Dri Juliana/Ju Márcia Fernanda/Nanda Patrícia/Pati Aline Sandra Camila/Mila
Amanda Bruna Jéssica Letícia/Lê Júlia/Ju Luciana/Lu Vanessa/Van Mariana/Mari Gabriela/Gabi Vera Vitória/Vi Larissa/Lari Cláudia
Beatriz/Bia Rita Luana Sônia Renata/Re Eliane Josefa Simone Natália/Nati Cristiane/Cris Carla Débora Rosângela Jaqueline Rosa Daniela/Dani
Aparecida/Cida Marlene Terezinha/Teresa Raimunda Andréia/Andreia Fabiana Lúcia Raquel Ângela Rafaela/Rafa Joana Luzia Daniele Isabel/Bel
Eduarda/Duda Alice Helena/Lena Laura Sofia/Sophia Tatiane Maria_José Ana_Paula Maria_Aparecida Ana_Maria Maria_Clara Ana_Carolina
Maria_Eduarda Ana_Beatriz Maria_de_Fátima Maria_Luiza Conceição Glória Inês
"""
BR_FAMILY = """
Silva Santos Oliveira Souza/Sousa Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida Lopes Soares
Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Mendes Freitas Cardoso Ramos Gonçalves Santana
Teixeira Araújo Pinto Cavalcanti/Cavalcante Monteiro Moura Correia/Corrêa Batista Campos Cunha Melo/Mello Borges Castro Reis Miranda
Barros Pires Azevedo Farias Duarte Xavier Nogueira Coelho Tavares Bezerra Medeiros Sales Guimarães Aguiar Fonseca Viana/Vianna Peixoto
Brito Siqueira Matos/Mattos Leite Macedo Pacheco Amaral Assis Rezende/Resende Neves da_Silva dos_Santos de_Oliveira de_Souza/de_Sousa
do_Nascimento de_Almeida da_Costa da_Rocha de_Jesus da_Cruz das_Neves dos_Reis de_Paula de_Lima Bastos García Fernández González López
Martínez Sánchez Pérez Gómez Ruiz Díaz Muñoz Núñez Jiménez Domínguez Vázquez Iglesias Castaño Ibáñez Peña Zúñiga Müller
"""
BR_STREET = """
das_Flores São_José Quinze_de_Novembro Sete_de_Setembro Santo_Antônio São_João Tiradentes Dom_Pedro_II Rui_Barbosa Duque_de_Caxias da_Paz
Paraná Castro_Alves Santa_Catarina São_Paulo Bahia Minas_Gerais Marechal_Deodoro Getúlio_Vargas Santos_Dumont José_Bonifácio
Machado_de_Assis Amazonas Pará Espírito_Santo Goiás Pernambuco Ceará Boa_Vista Bela_Vista do_Comércio da_Glória das_Palmeiras dos_Ipês
das_Acácias Principal Projetada Sergipe Belém
"""
BR_TOWN = """
Águas_Claras Bom_Jardim Campo_Belo Dois_Irmãos Esperança Formosa Guaraci Ibirama Jundiá Lagoa_Nova Monte_Alto Nova_União Ouro_Verde
Palmital Queimadas Ribeirão Santa_Luzia Três_Rios União_do_Sul Várzea_Grande São_Bento Itaúna Cascavelzinho Porto_Real Serra_Azul
Vila_Rica Boa_Esperança Paraíso
"""

RU_MALE = """
Александр/Саша/Шура Сергей/Серёжа Владимир/Вова/Володя Дмитрий/Дима Андрей Алексей/Лёша Николай/Коля Иван/Ваня Михаил/Миша Евгений/Женя
Виктор/Витя Юрий/Юра Василий/Вася Анатолий/Толя Игорь Олег Павел/Паша Максим/Макс Роман/Рома Денис Антон Илья Валерий/Валера
Вячеслав/Слава Константин/Костя Пётр/Петя Никита Григорий/Гриша Фёдор/Федя Степан/Стёпа Кирилл Артём/Тёма Руслан Станислав/Стас Борис/Боря
Леонид/Лёня Геннадий/Гена Виталий/Виталик Семён/Сеня Егор Тимофей/Тима Матвей Вадим Ярослав/Слава Глеб Яков/Яша Богдан Тарас Остап Марат
Рустам Тимур Ильдар Давид Георгий/Жора Эдуард/Эдик Лев/Лёва Захар
"""
RU_FEMALE = """
Елена/Лена Ольга/Оля Татьяна/Таня Наталья/Наташа/Наталия Ирина/Ира Светлана/Света Анна/Аня Мария/Маша Марина Екатерина/Катя Людмила/Люда
Галина/Галя Надежда/Надя Валентина/Валя Юлия/Юля Анастасия/Настя Нина Любовь/Люба Вера Лариса/Лара Александра/Саша Виктория/Вика
Ксения/Ксюша Дарья/Даша Оксана Евгения/Женя Алёна/Алена Тамара/Тома Зинаида/Зина Раиса/Рая Лидия/Лида Полина/Поля Кристина Елизавета/Лиза
Софья/Соня/София Алла Яна Вероника/Ника Диана Жанна Инна Маргарита/Рита Зоя Варвара/Варя Ульяна/Уля Милана Арина Алиса Антонина/Тоня
Клавдия/Клава Галия Гульнара Динара Снежана Олеся/Леся
"""
RU_FAMILY = """
Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов Егоров Павлов
Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов Яковлев Григорьев Романов Воробьёв Сергеев Кузьмин
Фролов Александров Дмитриев Королёв Гусев Киселёв Ильин Максимов Поляков Сорокин Виноградов Ковалёв Белов Медведев Антонов Тарасов Жуков
Баранов Филиппов Комаров Давыдов Беляев Герасимов Богданов Осипов Сидоров Матвеев Титов Марков Миронов Крылов Куликов Карпов Власов
Мельников Денисов Гаврилов Тихонов Казаков Афанасьев Данилов Савельев Тимофеев Фомин Чернов Абрамов Мартынов Ефимов Федотов Щербаков
Назаров Калинин Исаев Чернышёв Быков Маслов Родионов Коновалов Шевченко Бондаренко Ткаченко Кравченко Ковальчук Коваленко Бондарчук
Лисенко Марченко Савченко Мельник Шевчук Поліщук Жуковский Вишневский Островский Достоевский Чайковский Белинский Толстой Крутой Юсупов
Ахметов Хасанов Галиев Каримов Сафин Гайдамак Шварц Вебер Миллер Ким Цой Пак Щукин Юдин Яшин
"""
RU_STREET = """
Ленина Советская Молодёжная Центральная Школьная Новая Садовая Лесная Набережная Мира Гагарина Зелёная Октябрьская Комсомольская Заречная
Первомайская Пушкина Кирова Полевая Луговая Пролетарская Степная Озёрная Речная Строителей Северная Южная Чапаева Калинина Юбилейная
Горького Солнечная Дружбы Вишнёвая Берёзовая Цветочная Колхозная Победы Свердлова Чехова Лермонтова Жукова Космонавтов Парковая Рабочая
Железнодорожная Восточная Западная
"""
RU_TOWN = """
Заречье Светлогорск Новосёлово Каменка Берёзово Озерки Красный_Яр Дубровка Липки Сосновка Ясное Полянск Чернигово Белогорск Железново
Южноград Щёлково Малиновка Приречный Высоково Юрьево Жданово Хвойное Цветково Шахтино Ельня Ключи Тихвино Рощино Верхний_Луг
Старая_Слобода
"""

IN_MALE = """
Ramesh/Ramesha Suresh Rajesh/Rajeesh Mukesh Mahesh Ganesh/Ganesan Krishna/Krishnan Venkatesh/Venkatesan Srinivas/Sreenivas/Shrinivas Vijay
Ajay Sanjay/Sanjai Anil Sunil Vinod/Binod Manoj Ashok/Asok Rakesh Dinesh Deepak/Dipak Amit/Ameet Sumit/Sumeet Rohit Rahul Vikram/Bikram
Arun/Aroon Varun Karthik/Kartik/Karthick Senthil/Senthilkumar Murugan/Murugesan Selvam Kumar Rajkumar/Raj_Kumar Ravi/Rabi Shankar/Sankar
Gopal/Gopala Mohan Sohan Prakash/Prakaash Harish/Hareesh Satish/Sathish/Sateesh Prasad Balaji Bhaskar/Baskar Chandra/Chander Naresh
Pradeep/Pradip Sandeep/Sandip Kuldeep Gurpreet Harpreet Manpreet Jaspreet Jagdish/Jagadish Imran Mohammed/Mohammad/Md Abdul Salman Irfan
Farhan Nadeem Shahid Javed/Javid Arjun Aditya/Adithya Siddharth/Siddarth Nikhil Akash/Aakash Abhishek/Abhisek Gaurav/Gourav
"""
IN_FEMALE = """
Lakshmi/Laxmi/Lekshmi Sunita/Suneeta Anita/Aneeta Geeta/Gita/Geetha Sita/Seetha Radha Rekha Usha Asha Meena/Mina Reena Seema/Sima
Kavita/Kavitha Savita/Savitha Sangeeta/Sangeetha Priya/Pria Pooja/Puja Neha Nisha Divya/Divyaa Deepa/Dipa Deepika/Dipika Swathi/Swati
Shanti/Santhi Saraswati/Saraswathi Parvati/Parvathi Padma/Padmaa Vijaya/Vijayalakshmi Jayanti/Jayanthi Malathi/Malti Revathi/Revati
Bhavani Kamala/Kamla Vimala/Vimla Nirmala Shobha/Sobha Rani Rajni/Rajani Kiran Jyoti/Jyothi Aarti/Arti/Aarthi Anjali/Anjaly Sneha
Shreya/Sreya Ananya Ishita Ritu/Reetu Simran Harpreet Gurpreet Manpreet Fatima/Fathima Ayesha/Aisha Shabana Rukhsana/Ruksana Salma Nazia
Mary Elizabeth Annamma Sarita/Saritha Mamta/Mamatha Pushpa Bharti/Bharathi Chitra/Chithra Hema Indira/Indra Lalita/Lalitha Manju
"""
IN_FAMILY = """
Kumar/Kumaar Singh/Sing Devi Sharma/Sarma Patel Khan Reddy/Reddi Gupta Das/Dass Shah Yadav/Yadava Rao Nair/Nayar Iyer/Aiyar Iyengar
Verma/Varma Mishra/Misra Pandey/Pande Jain Agarwal/Agrawal/Aggarwal Chauhan/Chouhan Joshi Mehta Desai Kaur Begum Ali Ansari Shaikh/Sheikh
Pillai Menon Naidu/Nayudu Chowdhury/Choudhary/Chaudhuri Mukherjee/Mukhopadhyay Banerjee/Bandyopadhyay Chatterjee/Chattopadhyay Ghosh/Ghose
Bose/Basu Roy/Ray Sen Saha Mondal/Mandal Biswas Patil Kulkarni Deshmukh Jadhav/Jadav Pawar/Powar Shinde More Gowda/Gouda Hegde
Shetty/Setty Bhat/Bhatt Thakur/Thakkar Tiwari/Tewari Dubey/Dube Saxena/Saksena Srivastava/Shrivastava
"""
IN_STREET = """
Gandhi_Road MG_Road Nehru_Street Station_Road Temple_Street Church_Street Main_Road Anna_Nagar Gandhi_Nagar Shivaji_Nagar Rajaji_Street
Lal_Bagh_Road Ring_Road Market_Road Subhash_Marg Ashok_Nagar Nehru_Nagar Indira_Colony Patel_Chowk Civil_Lines Model_Town Sector_4
Sector_12 Sector_21 Old_Bus_Stand_Road Hospital_Road College_Road School_Street Fort_Road Lake_View_Road Vivekananda_Street Tagore_Road
Krishna_Colony Green_Park Rose_Garden Railway_Colony Defence_Colony
"""
IN_TOWN = """
Rampur Krishnapuram Laxmanpur Devgarh Chandanagar Sitapuri Govindpet Anandnagar Venkatapuram Shivpur Haripad Jaipet Nandigram Palampet
Udaypur Vellanad Tirupuram Salempur Madhavaram Gopalganj Bhimavaram Kotapalli Dharampur Sundarnagar Ambikapur Ratnagar Malkapur
Yashwantpur Kalyanpur Fatehgarh
"""

VN_MALE = """
Hùng Dũng Minh Tuấn Anh Cường Thắng Đức Hải Sơn Nam Long Hiếu Trung Quân Phong Khánh Thành Tùng Bình Hoàng Việt Khoa Huy Phúc Tâm Đạt Kiên
Lâm Quang Vinh Văn_Hùng Văn_Dũng Đức_Minh Anh_Tuấn Quốc_Anh Mạnh_Cường Quang_Hải Thanh_Sơn Hoàng_Nam Hải_Long Trung_Hiếu Minh_Quân Gia_Huy
Quốc_Bảo Thanh_Tùng Xuân_Trường
"""
VN_FEMALE = """
Hương Lan Hoa Mai Linh Trang Hà Thủy Nga Hạnh Phương Thảo Ngọc Yến Hằng Dung Hiền Thu Nhung Huyền Loan Oanh Vân Tuyết Quỳnh Ly My Vy Châu
Giang Chi Nhi Trâm Thị_Hương Thị_Lan Thị_Hoa Thanh_Hương Ngọc_Lan Thu_Trang Mỹ_Linh Thị_Thủy Bích_Ngọc Phương_Thảo Thanh_Hà Thu_Hà
Kim_Oanh Hồng_Nhung Thị_Mai Khánh_Linh
"""
VN_FAMILY = """
Nguyễn Nguyễn Nguyễn Trần Trần Lê Lê Phạm Hoàng/Huỳnh Phan Vũ/Võ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trương Lâm Đoàn Trịnh Mai Tô Cao Hà
Lương Tạ Phùng Quách
"""
VN_STREET = """
Lê_Lợi Trần_Hưng_Đạo Nguyễn_Huệ Hai_Bà_Trưng Lý_Thường_Kiệt Quang_Trung Nguyễn_Trãi Lê_Duẩn Phan_Đình_Phùng Hùng_Vương Bà_Triệu
Điện_Biên_Phủ Hoàng_Diệu Cách_Mạng_Tháng_Tám Võ_Thị_Sáu Ngô_Quyền Lê_Hồng_Phong Nguyễn_Văn_Cừ Trường_Chinh Giải_Phóng Láng_Hạ
Tôn_Đức_Thắng Pasteur Đồng_Khởi Phạm_Ngũ_Lão
"""
VN_TOWN = """
Phú_Mỹ Long_Bình Tân_An Hòa_Bình An_Khê Vĩnh_Long_Mới Sơn_Tây Đông_Hà Thủ_Đức Gò_Vấp Cầu_Giấy Ba_Đình Hải_Châu Ninh_Kiều Bình_Thạnh
Thanh_Khê Đống_Đa
"""
