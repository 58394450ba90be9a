"""README file of an exported case, in three languages, for readers without access to the platform."""

README = """\
ENGLISH

case.json      the case: its steps, comments, complaints, papers, and who agreed to be named
reports/<id>/  one report: body.bin, the bytes as they came; content.json, what it says;
               receipt.json, what the observer's phone was told; desk.json, what was found out about it
files/         photos and other files as they came, each named by its SHA-256
papers/        what was filed, receipts and answers, each named by its SHA-256
trail.json     who did what, when
HASHES         the SHA-256 of every file here

To check that nothing was changed, in this folder: sha256sum -c HASHES
(Windows: certutil -hashfile FILE SHA256, and compare with the line in HASHES.)
The SHA-256 of HASHES itself is known to the mission. The SHA-256 of content.json is the
content_sha256 of receipt.json, and the observer's phone has it too.


ҚАЗАҚША

case.json      іс: қадамдары, ескертпелер, шағымдар, құжаттар және атын атауға кім келіскені
reports/<id>/  бір есеп: body.bin — келген күйіндегі байттар; content.json — не айтылғаны;
               receipt.json — байқаушының телефонына не жауап берілгені; desk.json — не анықталғаны
files/         фото және басқа файлдар келген күйінде, әрқайсысының аты — оның SHA-256 мәні
papers/        берілген құжаттар, қолхаттар және жауаптар, аты — SHA-256 мәні
trail.json     кім, қашан, не істегені
HASHES         осындағы әр файлдың SHA-256 мәні

Ештеңе өзгертілмегенін тексеру үшін осы қалтада: sha256sum -c HASHES
(Windows: certutil -hashfile ФАЙЛ SHA256, сосын HASHES жолымен салыстырыңыз.)
HASHES файлының SHA-256 мәні миссияға белгілі. content.json файлының SHA-256 мәні —
receipt.json ішіндегі content_sha256; ол байқаушының телефонында да бар.


РУССКИЙ

case.json      дело: шаги, комментарии, жалобы, документы и кто согласился быть названным
reports/<id>/  один отчёт: body.bin — байты, как они пришли; content.json — что в нём сказано;
               receipt.json — что ответили телефону наблюдателя; desk.json — что выяснили
files/         фото и другие файлы, как они пришли, имя каждого — его SHA-256
papers/        поданное, расписки и ответы, имя каждого — его SHA-256
trail.json     кто, когда и что сделал
HASHES         SHA-256 каждого файла

Чтобы проверить, что ничего не изменено, в этой папке: sha256sum -c HASHES
(Windows: certutil -hashfile ФАЙЛ SHA256, и сравните со строкой в HASHES.)
SHA-256 самого файла HASHES известен миссии. SHA-256 файла content.json — это
content_sha256 из receipt.json; он есть и в телефоне наблюдателя.
"""
