"""What sources call their columns, in English, German, Spanish, Portuguese, French and Russian: a target field -> such names, folded."""

from __future__ import annotations

import re
from functools import cache

from anyascii import anyascii

CUSTOMER_NAMES = {
    "full_name": "name full_name fullname display_name customer_name contact_name client_name kundenname vollstaendiger_name nombre_completo nome_completo"
    " nom_complet imia fio polnoe_imia primary_name_full",
    "given_name": "first_name firstname given_name givenname forename fname first vorname rufname nombre nombres primer_nombre nome primeiro_nome prenom"
    " imya primary_name_first",
    "middle_name": "middle_name middlename second_name zweiter_vorname segundo_nombre nome_do_meio deuxieme_prenom otchestvo primary_name_middle",
    "family_name": "last_name lastname surname family_name familyname lname last nachname familienname zuname apellido apellidos sobrenome nom"
    " nom_de_famille familiia familiya primary_name_last",
    "prefix": "prefix salutation title anrede titel tratamiento tratamento civilite obrashchenie name_prefix",
    "suffix": "suffix name_suffix namenszusatz sufijo sufixo suffixe",
    "nickname": "nickname nick alias spitzname apodo apelido surnom preferred_name prozvishche",
    "former_names": "maiden_name birth_name former_name geburtsname frueherer_name apellido_de_soltera nome_de_solteira nom_de_jeune_fille devichia_familiia",
    "organisation_name": "company company_name organisation organization organisation_name organization_name account_name employer firma firmenname"
    " unternehmen empresa razon_social entreprise societe raison_sociale kompaniia kompaniya organizatsiia",
    "job_title": "job_title jobtitle position role occupation beruf stelle position_title cargo puesto profissao poste fonction dolzhnost",
    "birth_date": "birth_date birthdate birthday date_of_birth dob geburtsdatum geburtstag geb geb_datum fecha_de_nacimiento fecha_nacimiento nacimiento"
    " data_de_nascimento data_nascimento nascimento date_de_naissance date_naissance naissance data_rozhdeniia den_rozhdeniia",
    "death_date": "death_date date_of_death sterbedatum fecha_de_defuncion data_de_obito date_de_deces data_smerti",
    "birth_place": "birth_place birthplace place_of_birth geburtsort lugar_de_nacimiento local_de_nascimento lieu_de_naissance mesto_rozhdeniia",
    "gender": "gender sex geschlecht genero sexo genre sexe pol",
    "emails": "email e_mail mail email_address e_mail_address emailadresse e_mail_adresse mail_adresse correo correo_electronico courriel adresse_mail"
    " adresse_email elektronnaia_pochta pochta email1 email2 email_2 secondary_email work_email private_email imeil",
    "phones": "phone phone_number telephone tel mobile mobile_phone cell cellphone cell_phone phone1 phone2 phone_2 telefon telefonnummer handy mobil"
    " mobilnummer rufnummer telefono movil celular telefone portable numero_de_telephone nomer_telefona telefax_nr contact_number whatsapp home_phone work_phone",
    "language": "language locale lang sprache idioma langue iazyk preferred_language",
    "created_at": "created created_at created_date createdate create_date date_created signup_date registered_at registration_date angelegt angelegt_am"
    " erstellt_am anlagedatum erfasst_am fecha_de_alta fecha_creacion data_de_cadastro criado_em date_de_creation date_creation cree_le data_sozdaniia",
    "updated_at": "updated updated_at modified modified_at last_modified lastmodified changed_at date_modified geaendert_am aenderungsdatum letzte_aenderung"
    " fecha_actualizacion atualizado_em date_de_modification modifie_le data_izmeneniia",
}
ADDRESS_NAMES = {
    "street": "street street_name street_address address address1 address_1 address_line1 address_line_1 addr_line1 strasse str anschrift direccion calle"
    " domicilio endereco rua logradouro adresse rue voie ulitsa adres",
    "house_number": "house_number house_no street_number street_no hausnummer hausnr hnr numero_casa num_casa numero_de_rue dom nomer_doma",
    "unit": "unit apartment apt suite flat wohnung piso complemento appartement kvartira address_line2 address2 address_2 addr_line2",
    "postal_code": "postal_code postalcode postcode post_code zip zip_code zipcode plz postleitzahl codigo_postal cp cep code_postal pochtovyi_indeks indeks",
    "city": "city town suburb ort stadt wohnort ciudad poblacion localidad cidade municipio ville commune gorod",
    "region": "region state province county bundesland kanton provincia estado uf departement oblast",
    "country": "country country_code land pais pays strana nation staat",
}
IDENTIFIER_NAMES = {
    "national_id": "national_id national_id_number personalausweis dni nif cpf rg nie inn identity_card",
    "social_security": "ssn ssn_number soc_sec_id social_security social_security_number sozialversicherungsnummer svnr seguridad_social snils",
    "passport": "passport passport_no passport_number reisepass pasaporte passaporte passeport pasport",
    "driving_licence": "drivers_license drivers_license_number driving_licence driver_license fuehrerschein permiso_de_conducir cnh permis_de_conduire",
    "tax_id": "tax_id tax_id_number vat vat_id vat_number ust_id ustid steuernummer steuer_id cnpj siret",
    "loyalty": "loyalty loyalty_id loyalty_card loyalty_number card_no card_number member_no member_number membership_number kundenkarte kartennummer"
    " tarjeta_cliente cartao_fidelidade carte_fidelite",
}
INTERACTION_NAMES = {
    "at": "at time timestamp date datetime occurred_at happened_at event_time event_date order_date ordered_at purchase_date created created_at opened_at"
    " sent_at started_at start_time call_time visit_date invoice_date payment_date bestelldatum datum zeitpunkt zeit erstellt_am fecha fecha_pedido data"
    " data_pedido date_commande date_de_commande data_zakaza received_at viewed_at answered_at visited_at date_created",
    "ended_at": "ended_at end_time closed_at finished_at resolved_at ende beendet_am geschlossen_am fecha_fin data_fim date_fin",
    "amount": "amount total total_amount total_price sum price value order_total grand_total betrag summe gesamt gesamtbetrag umsatz preis importe monto"
    " valor montant prix summa stoimost revenue net_amount gross_amount",
    "currency": "currency currency_code waehrung moneda moeda devise valiuta",
    "status": "status state stage zustand estado situacao statut etat sostoianie order_status",
    "subject": "subject title topic betreff thema asunto tema assunto sujet objet headline",
    "text": "text body message comment comments content description note notes nachricht beschreibung kommentar notiz mensaje descripcion mensagem descricao"
    " commentaire soobshchenie opisanie answer",
    "channel": "channel source_channel kanal canal medium",
    "direction": "direction richtung direccion_llamada sens",
    "campaign": "campaign campaign_name campaign_id kampagne campana campanha campagne mailing",
    "rating": "rating score stars nps csat satisfaction bewertung note_client puntuacion nota calificacion otsenka",
    "priority": "priority severity prioritaet dringlichkeit prioridad prioridade priorite prioritet",
    "staff": "agent agent_name staff employee assignee assigned_to owner handled_by mitarbeiter bearbeiter agente empleado funcionario conseiller operator",
    "name": "event event_name action activity",
}
ITEM_NAMES = {
    "sku": "sku article article_no product_id item_id artikelnummer artnr code ean isbn",
    "name": "name product product_name item item_name title bezeichnung artikel descripcion produto produit",
    "category": "category product_category kategorie categoria categorie",
    "quantity": "quantity qty count menge anzahl cantidad quantidade quantite",
    "unit_price": "unit_price price price_each einzelpreis preis precio preco prix",
    "amount": "amount total line_total betrag summe importe montant",
}
ITEM_LISTS = frozenset(
    ["items", "lines", "line_items", "order_items", "order_lines", "positions", "positionen", "articulos", "itens", "lignes", "products", "artikel"]
)
KEY_NAMES = frozenset(
    [
        "id",
        "key",
        "uuid",
        "guid",
        "no",
        "nr",
        "number",
        "record_id",
        "row_id",
        "external_id",
        "source_key",
        "_id",
        "code",
        "nummer",
        "clave",
        "kod",
    ]
)
CUSTOMER_WORDS = frozenset(
    ["customer", "cust", "client", "contact", "person", "people", "user", "member", "kunde", "kunden", "kontakt", "cliente", "contacto", "usuario", "contato", "klient", "account", "subscriber"]
)
KIND_NAMES = frozenset(["kind", "type", "event_type", "interaction_type", "typ", "art", "tipo"])
INTERACTION_WORDS = {
    "order": "order orders purchase purchases bestellung bestellungen pedido pedidos commande commandes zakaz sale sales auftrag",
    "ticket": "ticket tickets case cases issue stoerung incident priority",
    "call": "call calls anruf anrufe llamada llamadas duration caller zvonok",
    "payment": "payment payments zahlung zahlungen pago pagos paiement",
    "invoice": "invoice invoices rechnung rechnungen factura facturas facture fatura",
    "survey": "survey nps csat rating stars umfrage encuesta",
    "campaign_touch": "campaign mailing newsletter_id opened clicked opens clicks send sends kampagne",
    "page_view": "page url referrer pageview pageviews",
    "visit": "visit visits besuch besuche visita visitas branch filiale store appointment termin",
    "chat": "chat chats conversation",
    "email": "emails messages",
    "return": "return returns refund retoure",
    "note": "note notes notiz",
    "opportunity": "opportunity deal deals stage verkaufschance",
    "subscription": "subscription plan abo abonnement",
}
CONSENT_WORDS = frozenset(
    ["consent", "optin", "opt", "newsletter", "marketing", "gdpr", "dsgvo", "einwilligung", "werbung", "permission", "consentimiento", "consentimento", "consentement", "soglasie"]
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[^a-z0-9]+")


@cache
def fold_name(name: str) -> str:
    """A column's name in lower case ASCII, its words divided by `_`."""
    umlauts = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("Ä", "Ae").replace("Ö", "Oe").replace("Ü", "Ue")
    return _APART.sub("_", anyascii(_CAMEL.sub("_", umlauts)).lower()).strip("_")


def words_of(name: str) -> frozenset[str]:
    """The words of a column's name."""
    return frozenset(fold_name(name).split("_"))


def match(name: str, names: dict[str, str]) -> tuple[str, float] | None:
    """The target that a column's name speaks of, and how surely: 1 where it is one of its names, less where it ends or begins with one."""
    folded = fold_name(name.rpartition(".")[2])
    best: tuple[str, float] | None = None
    for target, listed in names.items():
        for known in listed.split():
            certainty = 1.0 if folded == known else 0.8 if folded.endswith(f"_{known}") else 0.6 if folded.startswith(f"{known}_") else 0.0
            certainty += len(known) / 1000 if certainty < 1 else 0
            if certainty > 0.5 and (best is None or certainty > best[1]):
                best = target, certainty
    return best
